"""The configuration: settings declared once (`schema`), merged and validated once (`load`), typed (`settings`)."""
