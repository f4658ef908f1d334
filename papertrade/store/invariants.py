"""What must hold in the tables whatever the code that wrote them: queries that must return no row.

They know neither the engine nor the projection, so that a bug there is seen here. Each gives the record, what
was expected and what is there. The rule to keep: sums only with SUM over integers, never a float.
"""

from __future__ import annotations

from typing import Final

INVARIANTS: Final[dict[str, str]] = {
    "sequence": """
        SELECT 'event ' || seq, n, seq FROM (SELECT seq, ROW_NUMBER() OVER (ORDER BY seq) AS n FROM event)
        WHERE seq <> n LIMIT 1""",
    "clock": """
        SELECT 'event ' || seq, 'at least ' || earlier, recorded_ms FROM
          (SELECT seq, recorded_ms, LAG(recorded_ms, 1, recorded_ms) OVER (ORDER BY seq) AS earlier FROM event)
        WHERE recorded_ms < earlier""",
    "postings_balance": """
        SELECT 'event ' || event_seq, 0, SUM(amount_u) FROM ledger GROUP BY event_seq HAVING SUM(amount_u) <> 0""",
    "cash_not_negative": """
        SELECT 'account ' || account_id || ' after event ' || event_seq, 'at least 0', cash FROM
          (SELECT account_id, event_seq, SUM(amount_u) OVER (PARTITION BY account_id ORDER BY event_seq) AS cash
           FROM ledger WHERE book = 'cash')
        WHERE cash < 0""",
    "trial_balance": """
        SELECT 'account ' || account_id, 0, SUM(amount_u) FROM ledger GROUP BY account_id HAVING SUM(amount_u) <> 0""",
    "one_live_trade": """
        SELECT 'signal ' || signal_id || ' in account ' || account_id, 1, COUNT(*) FROM trade
        WHERE status IN ('pending', 'open') GROUP BY account_id, signal_id HAVING COUNT(*) > 1""",
    "closed_once": """
        SELECT 'trade ' || t.id, t.status = 'closed', COUNT(e.seq) FROM trade AS t
        LEFT JOIN event AS e ON e.trade_id = t.id AND e.kind = 'exit_filled' AND e.body LIKE '%"is_final":true%'
        WHERE t.is_void = 0 GROUP BY t.id HAVING COUNT(e.seq) <> (t.status = 'closed')""",
    "voided_once": """
        SELECT 'trade ' || t.id, t.is_void, COUNT(e.seq) FROM trade AS t
        LEFT JOIN event AS e ON e.trade_id = t.id AND e.kind = 'trade_voided'
        GROUP BY t.id HAVING COUNT(e.seq) <> t.is_void""",
    "void_posts_nothing": """
        SELECT 'trade ' || t.id || ' ' || l.book, 0, SUM(l.amount_u) FROM trade AS t
        JOIN ledger AS l ON l.trade_id = t.id WHERE t.is_void = 1
        GROUP BY t.id, l.book HAVING SUM(l.amount_u) <> 0""",
    "reserve": """
        SELECT 'trade ' || t.id, t.reserve_u, COALESCE(l.total, 0) FROM trade AS t LEFT JOIN
          (SELECT trade_id, SUM(amount_u) AS total FROM ledger WHERE book = 'reserved' GROUP BY trade_id) AS l
          ON l.trade_id = t.id
        WHERE t.reserve_u <> COALESCE(l.total, 0)""",
    "realized_by_fills": """
        SELECT 'trade ' || t.id, t.realized_u, COALESCE(SUM(f.realized_u), 0) FROM trade AS t
        LEFT JOIN fill AS f ON f.trade_id = t.id WHERE t.is_void = 0
        GROUP BY t.id HAVING t.realized_u <> COALESCE(SUM(f.realized_u), 0)""",
    "realized_by_ledger": """
        SELECT 'trade ' || t.id, t.realized_u - t.entry_fee_left_u - t.funding_left_u, COALESCE(-l.total, 0)
        FROM trade AS t LEFT JOIN
          (SELECT trade_id, SUM(amount_u) AS total FROM ledger WHERE book IN ('realized_pnl', 'fees', 'funding')
           GROUP BY trade_id) AS l ON l.trade_id = t.id
        WHERE t.realized_u - t.entry_fee_left_u - t.funding_left_u <> COALESCE(-l.total, 0)""",
    "funding": """
        SELECT 'trade ' || t.id, t.funding_u, COALESCE(l.total, 0) FROM trade AS t LEFT JOIN
          (SELECT trade_id, SUM(amount_u) AS total FROM ledger WHERE book = 'funding' GROUP BY trade_id) AS l
          ON l.trade_id = t.id
        WHERE t.funding_u <> COALESCE(l.total, 0)""",
    "funding_shared_out": """
        SELECT 'trade ' || t.id, t.funding_u - t.funding_left_u, COALESCE(SUM(f.funding_u), 0) FROM trade AS t
        LEFT JOIN fill AS f ON f.trade_id = t.id WHERE t.is_void = 0
        GROUP BY t.id HAVING t.funding_u - t.funding_left_u <> COALESCE(SUM(f.funding_u), 0)""",
    "fees": """
        SELECT 'trade ' || t.id, t.fees_u, COALESCE(SUM(f.fee_u), 0) FROM trade AS t
        LEFT JOIN fill AS f ON f.trade_id = t.id WHERE t.is_void = 0
        GROUP BY t.id HAVING t.fees_u <> COALESCE(SUM(f.fee_u), 0)""",
    "fills_counted": """
        SELECT 'fill ' || event_seq, expected, n FROM
          (SELECT event_seq, n, ROW_NUMBER() OVER (PARTITION BY trade_id ORDER BY event_seq) AS expected FROM fill)
        WHERE n <> expected""",
}
"""Each invariant's query by its name."""

FILLS: Final = """
    SELECT f.event_seq AS event_seq, f.trade_id AS trade_id, f.leg AS leg, f.quantity AS quantity, f.price AS price,
           f.raw_price AS raw_price, f.level AS level, f.notional_u AS notional_u, f.reason AS reason,
           t.side AS side, t.open_quantity AS open_quantity, t.is_void AS is_void
    FROM fill AS f JOIN trade AS t ON t.id = f.trade_id ORDER BY f.trade_id, f.event_seq"""
"""What the invariants over exact decimals need; SQL would compare them as text.

Each column is named here: without AS, SQLite names it as the file's schema does, where a damaged letter may be large.
"""
