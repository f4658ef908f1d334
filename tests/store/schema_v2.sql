BEGIN TRANSACTION;
CREATE TABLE account (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	epoch_seq INTEGER NOT NULL, 
	created_ms INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 64), 
	CONSTRAINT epoch_positive CHECK (epoch >= 1), 
	UNIQUE (name), 
	FOREIGN KEY(epoch_seq) REFERENCES event (seq)
)
 STRICT;
INSERT INTO "account" VALUES(1,'main','USDT',1,1,1700000040000);
INSERT INTO "account" VALUES(2,'second','USDT',2,34,1700000040000);
CREATE TABLE coverage (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	from_ms INTEGER NOT NULL, 
	to_ms INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	is_bridged INTEGER NOT NULL, 
	PRIMARY KEY (venue, symbol, from_ms), 
	CONSTRAINT kind_known CHECK (kind IN ('hole', 'blind'))
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE cursor (
	name TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE delivery (
	id INTEGER NOT NULL, 
	target TEXT NOT NULL, 
	event_seq INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	last_error TEXT NOT NULL, 
	delivered_ms INTEGER, 
	next_ms INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_delivery UNIQUE (target, event_seq)
)
 STRICT;
CREATE TABLE event (
	seq INTEGER NOT NULL, 
	recorded_ms INTEGER NOT NULL, 
	wall_ms INTEGER NOT NULL, 
	effective_ms INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	account_id INTEGER, 
	trade_id INTEGER, 
	signal_id INTEGER, 
	body TEXT NOT NULL, 
	prev TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	CONSTRAINT hash_is_sha256 CHECK (length(hash) = 64)
)
 STRICT;
INSERT INTO "event" VALUES(1,1700000040002,1700000040002,1700000040000,'test','account_created',1,NULL,NULL,'{"account_id":1,"name":"main","currency":"USDT"}','','4b478bc6cccefa05ff1cb9f893269b18f029362f7aa4855ae06831fdd7eb1072');
INSERT INTO "event" VALUES(2,1700000040002,1700000040002,1700000040000,'test','cash_moved',1,NULL,NULL,'{"account_id":1,"amount":"10000","note":"opening"}','4b478bc6cccefa05ff1cb9f893269b18f029362f7aa4855ae06831fdd7eb1072','6a209c478d1e0a68a6fafbfd0b0bf90910363eb822eb97b5da683490676d3473');
INSERT INTO "event" VALUES(3,1700000040003,1700000040003,1700000040000,'test','account_created',2,NULL,NULL,'{"account_id":2,"name":"second","currency":"USDT"}','6a209c478d1e0a68a6fafbfd0b0bf90910363eb822eb97b5da683490676d3473','8851fe679446f0da909edde6e2eb7ab3f2d44b4b2a6c37f27ac30fc9c25ac7f6');
INSERT INTO "event" VALUES(4,1700000040003,1700000040003,1700000040000,'test','cash_moved',2,NULL,NULL,'{"account_id":2,"amount":"500","note":"opening"}','8851fe679446f0da909edde6e2eb7ab3f2d44b4b2a6c37f27ac30fc9c25ac7f6','286b152c8e7464b5d5e18feed01c5e5443d8ae95ce49b1c952c1433a708e2cba');
INSERT INTO "event" VALUES(5,1700000040004,1700000040004,1700000040000,'test','signal_added',NULL,NULL,1,'{"signal_id":1,"signal":{"source":"scanner","external_id":"stopped","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":"0.8","reason":"","tags":["slow"],"is_dated":true,"is_expiry_dated":true}}','286b152c8e7464b5d5e18feed01c5e5443d8ae95ce49b1c952c1433a708e2cba','64ba9de81bb9b8ce131b69721c72939e06b48b8ad100df07d8cd123f3488c721');
INSERT INTO "event" VALUES(6,1700000040005,1700000040005,1700000040000,'test','entry_filled',1,1,1,'{"trade_id":1,"order":{"account_id":1,"epoch":1,"signal_id":1,"signal_key":"scanner:stopped","venue":"binance","symbol":"BTCUSDT","side":"long","entry_type":"market","entry_price":null,"quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":null,"confidence":"0.8","reason":"","tags":["slow"],"flags":[]},"quantity":"0.5","price":"100.05","liquidity":"taker","fee_rate":"0.001","fee":"0.050025","slippage":"0.025","reserve":"50.025","released":"0","rulings":[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"98.04","targets":[{"price":"104.07","fraction":"0.5","is_filled":false},{"price":"108.09","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}],"liquidation_price":null,"cause":{"rule":"6 at once","raw_price":"100","level":null,"candle":null,"quote":{"at_ms":1700000040000,"last":"100","bid":null,"ask":null}},"at_ms":1700000040000,"applied_to":null,"flags":[]}','64ba9de81bb9b8ce131b69721c72939e06b48b8ad100df07d8cd123f3488c721','c2bae7b8cf43db72921cd97c2f5f991e2adbb2e50c9d6e48bcb2de97bbfce98c');
INSERT INTO "event" VALUES(7,1700000040006,1700000040006,1700000159999,'test','exit_filled',1,1,1,'{"trade_id":1,"quantity":"0.5","price":"97.99","reason":"stop_loss","liquidity":"taker","fee_rate":"0.001","fee":"0.048995","slippage":"0.025","gross":"-1.03","reserve_released":"50.025","entry_fee_share":"0.050025","realized":"-1.12902","is_final":true,"cause":{"rule":"4.2 stop touched","raw_price":"98.04","level":"98.04","candle":{"open_ms":1700000100000,"interval_ms":60000,"open":"100","high":"101","low":"97","close":"100","volume":"0"},"quote":null},"at_ms":1700000159999,"target":null,"is_ambiguous":false,"applied_to":1700000160000,"flags":[]}','c2bae7b8cf43db72921cd97c2f5f991e2adbb2e50c9d6e48bcb2de97bbfce98c','ed4be70796c695f8386a210d24bb23fad6ade2b1ffaaabf82d5a5e64d1b95e68');
INSERT INTO "event" VALUES(8,1700000040007,1700000040007,1700000040000,'test','signal_added',NULL,NULL,2,'{"signal_id":2,"signal":{"source":"scanner","external_id":"both targets","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','ed4be70796c695f8386a210d24bb23fad6ade2b1ffaaabf82d5a5e64d1b95e68','ee43d63beb8bcb450495e6fe02d6d8e1107da5224c68e9da0300a04bc3b48ac9');
INSERT INTO "event" VALUES(9,1700000040008,1700000040008,1700000040000,'test','entry_filled',1,2,2,'{"trade_id":2,"order":{"account_id":1,"epoch":1,"signal_id":2,"signal_key":"scanner:both targets","venue":"binance","symbol":"BTCUSDT","side":"long","entry_type":"market","entry_price":null,"quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":null,"confidence":null,"reason":"","tags":[],"flags":[]},"quantity":"0.5","price":"100.05","liquidity":"taker","fee_rate":"0.001","fee":"0.050025","slippage":"0.025","reserve":"50.025","released":"0","rulings":[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"98.04","targets":[{"price":"104.07","fraction":"0.5","is_filled":false},{"price":"108.09","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}],"liquidation_price":null,"cause":{"rule":"6 at once","raw_price":"100","level":null,"candle":null,"quote":{"at_ms":1700000040000,"last":"100","bid":null,"ask":null}},"at_ms":1700000040000,"applied_to":null,"flags":[]}','ee43d63beb8bcb450495e6fe02d6d8e1107da5224c68e9da0300a04bc3b48ac9','5398c9d9dd878df6662ac0a30f91a659970cce65cfc5c4c6d650f1826fdb7fb0');
INSERT INTO "event" VALUES(10,1700000040009,1700000040009,1700000159999,'test','exit_filled',1,2,2,'{"trade_id":2,"quantity":"0.25","price":"104.07","reason":"take_profit","liquidity":"maker","fee_rate":"0.001","fee":"0.0260175","slippage":"0","gross":"1.005","reserve_released":"25.0125","entry_fee_share":"0.0250125","realized":"0.95397","is_final":false,"cause":{"rule":"4.2 target touched","raw_price":"104.07","level":"104.07","candle":{"open_ms":1700000100000,"interval_ms":60000,"open":"100","high":"104.5","low":"100","close":"100","volume":"0"},"quote":null},"at_ms":1700000159999,"target":"104.07","is_ambiguous":false,"applied_to":1700000160000,"flags":[]}','5398c9d9dd878df6662ac0a30f91a659970cce65cfc5c4c6d650f1826fdb7fb0','bd07fd878a50ad94ab208fd71e51ccda39ac4fed11c30936db88996e48d9a0a6');
INSERT INTO "event" VALUES(11,1700000040010,1700000040010,1700000219999,'test','exit_filled',1,2,2,'{"trade_id":2,"quantity":"0.25","price":"108.09","reason":"take_profit","liquidity":"maker","fee_rate":"0.001","fee":"0.0270225","slippage":"0","gross":"2.01","reserve_released":"25.0125","entry_fee_share":"0.0250125","realized":"1.957965","is_final":true,"cause":{"rule":"4.2 target touched","raw_price":"108.09","level":"108.09","candle":{"open_ms":1700000160000,"interval_ms":60000,"open":"100","high":"109","low":"100","close":"108","volume":"0"},"quote":null},"at_ms":1700000219999,"target":"108.09","is_ambiguous":false,"applied_to":1700000220000,"flags":[]}','bd07fd878a50ad94ab208fd71e51ccda39ac4fed11c30936db88996e48d9a0a6','e3791c1839357f187e931f77977698d68c6f8a991e40e8cf576c8b8fc57f091e');
INSERT INTO "event" VALUES(12,1700000040011,1700000040011,1700000040000,'test','signal_added',NULL,NULL,3,'{"signal_id":3,"signal":{"source":"scanner","external_id":"one target","symbol":"ETHUSDT","side":"short","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','e3791c1839357f187e931f77977698d68c6f8a991e40e8cf576c8b8fc57f091e','e5aec1916325c2b5097316a62340c4084c8cfce23ff65bce65713247b5682dd1');
INSERT INTO "event" VALUES(13,1700000040012,1700000040012,1700000040000,'test','entry_filled',1,3,3,'{"trade_id":3,"order":{"account_id":1,"epoch":1,"signal_id":3,"signal_key":"scanner:one target","venue":"binance","symbol":"ETHUSDT","side":"short","entry_type":"market","entry_price":null,"quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":null,"confidence":null,"reason":"","tags":[],"flags":[]},"quantity":"0.5","price":"99.95","liquidity":"taker","fee_rate":"0.001","fee":"0.049975","slippage":"0.025","reserve":"49.975","released":"0","rulings":[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"101.95","targets":[{"price":"95.95","fraction":"0.5","is_filled":false},{"price":"91.95","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}],"liquidation_price":"199.71","cause":{"rule":"6 at once","raw_price":"100","level":null,"candle":null,"quote":{"at_ms":1700000040000,"last":"100","bid":null,"ask":null}},"at_ms":1700000040000,"applied_to":null,"flags":[]}','e5aec1916325c2b5097316a62340c4084c8cfce23ff65bce65713247b5682dd1','30da5311437ac56c6996845b76b4d7a2c3ee831fb183dbb5340ed18d2c433079');
INSERT INTO "event" VALUES(14,1700000040013,1700000040013,1700000159999,'test','exit_filled',1,3,3,'{"trade_id":3,"quantity":"0.25","price":"95.95","reason":"take_profit","liquidity":"maker","fee_rate":"0.001","fee":"0.0239875","slippage":"0","gross":"1","reserve_released":"24.9875","entry_fee_share":"0.0249875","realized":"0.951025","is_final":false,"cause":{"rule":"4.2 target touched","raw_price":"95.95","level":"95.95","candle":{"open_ms":1700000100000,"interval_ms":60000,"open":"100","high":"100","low":"95.5","close":"100","volume":"0"},"quote":null},"at_ms":1700000159999,"target":"95.95","is_ambiguous":false,"applied_to":1700000160000,"flags":[]}','30da5311437ac56c6996845b76b4d7a2c3ee831fb183dbb5340ed18d2c433079','d4053a064b1e4ae8f4040eda1be6280386ef28e7ba7e7d163e4f2aa441f707a7');
INSERT INTO "event" VALUES(15,1700000040014,1700000040014,1700000040000,'test','signal_added',NULL,NULL,4,'{"signal_id":4,"signal":{"source":"scanner","external_id":"cancelled","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','d4053a064b1e4ae8f4040eda1be6280386ef28e7ba7e7d163e4f2aa441f707a7','16d3c6814a2e4c76748a73e3d6f65a489cc6fee8ebe138ce7bb31b220e688a3b');
INSERT INTO "event" VALUES(16,1700000040015,1700000040015,1700000040000,'test','trade_placed',1,4,4,'{"trade_id":4,"order":{"account_id":1,"epoch":1,"signal_id":4,"signal_key":"scanner:cancelled","venue":"binance","symbol":"BTCUSDT","side":"long","entry_type":"limit","entry_price":"98","quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":1700000160000,"confidence":null,"reason":"","tags":[],"flags":[]},"reserve":"49","fee":"0.049"}','16d3c6814a2e4c76748a73e3d6f65a489cc6fee8ebe138ce7bb31b220e688a3b','1679cb4924c4609f889a6f04ecb72b00f69236c6f8b0c280609eaa154fe2c8b7');
INSERT INTO "event" VALUES(17,1700000040016,1700000040016,1700000100000,'test','trade_ended',1,4,4,'{"trade_id":4,"status":"cancelled","released":"49.049","why":"by hand","at_ms":1700000100000,"applied_to":1700000100000}','1679cb4924c4609f889a6f04ecb72b00f69236c6f8b0c280609eaa154fe2c8b7','d6ff1f7b70f357a80a93c8834a3a027841871dc1e7a9d6730699f2cb7608cae9');
INSERT INTO "event" VALUES(18,1700000040017,1700000040017,1700000040000,'test','signal_added',NULL,NULL,5,'{"signal_id":5,"signal":{"source":"scanner","external_id":"expired","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','d6ff1f7b70f357a80a93c8834a3a027841871dc1e7a9d6730699f2cb7608cae9','0f01defb0a4c02f213281a65365bb1e17fdc47b77015099d34b87dec35980778');
INSERT INTO "event" VALUES(19,1700000040018,1700000040018,1700000040000,'test','trade_placed',1,5,5,'{"trade_id":5,"order":{"account_id":1,"epoch":1,"signal_id":5,"signal_key":"scanner:expired","venue":"binance","symbol":"BTCUSDT","side":"long","entry_type":"limit","entry_price":"98","quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":1700000100000,"confidence":null,"reason":"","tags":[],"flags":[]},"reserve":"49","fee":"0.049"}','0f01defb0a4c02f213281a65365bb1e17fdc47b77015099d34b87dec35980778','fc37dc091317edaef5aab840bde8b83f3fd5541bea36285759578970f74f25f7');
INSERT INTO "event" VALUES(20,1700000040019,1700000040019,1700000100000,'test','trade_ended',1,5,5,'{"trade_id":5,"status":"expired","released":"49.049","why":"its time to be filled ran out","at_ms":1700000100000,"applied_to":1700000160000}','fc37dc091317edaef5aab840bde8b83f3fd5541bea36285759578970f74f25f7','147672bf63cbfaf3ba094820ee6bee4ee1501196ce6b88a649020d6f644fab26');
INSERT INTO "event" VALUES(21,1700000040020,1700000040020,1700000040000,'test','signal_added',NULL,NULL,6,'{"signal_id":6,"signal":{"source":"other","external_id":"waiting","symbol":"BTCUSDT","side":"short","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":null,"targets":[]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','147672bf63cbfaf3ba094820ee6bee4ee1501196ce6b88a649020d6f644fab26','dbdae947e17c45e2c12aa0c931b99f7d6e3eec00d28b15b1fe3e6a6dd843eec3');
INSERT INTO "event" VALUES(22,1700000040021,1700000040021,1700000040000,'test','trade_placed',2,6,6,'{"trade_id":6,"order":{"account_id":2,"epoch":1,"signal_id":6,"signal_key":"other:waiting","venue":"binance","symbol":"BTCUSDT","side":"short","entry_type":"limit","entry_price":"98","quantity":"0.5","exits":{"stop":null,"targets":[]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":null,"confidence":null,"reason":"","tags":[],"flags":[]},"reserve":"49","fee":"0.049"}','dbdae947e17c45e2c12aa0c931b99f7d6e3eec00d28b15b1fe3e6a6dd843eec3','37354b17add498ead8eafc2eda2452d3e4ce22f9f2ef30ace00389327a2508b3');
INSERT INTO "event" VALUES(23,1700000040022,1700000040022,1700000040000,'test','signal_added',NULL,NULL,7,'{"signal_id":7,"signal":{"source":"scanner","external_id":"filled","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','37354b17add498ead8eafc2eda2452d3e4ce22f9f2ef30ace00389327a2508b3','bb3a73da5969c0dea02ff2a40845020a013f6e82309af482d1b66e6e4d458655');
INSERT INTO "event" VALUES(24,1700000040023,1700000040023,1700000040000,'test','trade_placed',1,7,7,'{"trade_id":7,"order":{"account_id":1,"epoch":1,"signal_id":7,"signal_key":"scanner:filled","venue":"binance","symbol":"BTCUSDT","side":"long","entry_type":"limit","entry_price":"98","quantity":"0.5","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"terms":{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}},"placed_at":1700000040000,"whole_from":1700000100000,"expires_at":null,"confidence":null,"reason":"","tags":[],"flags":[]},"reserve":"49","fee":"0.049"}','bb3a73da5969c0dea02ff2a40845020a013f6e82309af482d1b66e6e4d458655','c1bff510ad11dd6e8519574ba2e8dc45e44698c9f3c91fcba8c57fe918816683');
INSERT INTO "event" VALUES(25,1700000040024,1700000040024,1700000159999,'test','entry_filled',1,7,7,'{"trade_id":7,"order":null,"quantity":"0.5","price":"98","liquidity":"maker","fee_rate":"0.001","fee":"0.049","slippage":"0","reserve":"49","released":"0","rulings":[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"96.04","targets":[{"price":"101.92","fraction":"0.5","is_filled":false},{"price":"105.84","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}],"liquidation_price":null,"cause":{"rule":"4.4 entry touched","raw_price":"98","level":"98","candle":{"open_ms":1700000100000,"interval_ms":60000,"open":"100","high":"101","low":"97.5","close":"100","volume":"0"},"quote":null},"at_ms":1700000159999,"applied_to":1700000160000,"flags":[]}','c1bff510ad11dd6e8519574ba2e8dc45e44698c9f3c91fcba8c57fe918816683','5076c2a7d548fe317f02b7d0098132ed4f7d096cc80a993652d041ae4788fddf');
INSERT INTO "event" VALUES(26,1700000040025,1700000040025,1700000100000,'test','levels_changed',1,7,7,'{"trade_id":7,"ruling":{"from_ms":1700000160000,"wish":{"stop":null,"targets":[]},"levels":{"stop":"90","targets":[],"base_quantity":"0.5"}},"at_ms":1700000100000,"reason":"wider"}','5076c2a7d548fe317f02b7d0098132ed4f7d096cc80a993652d041ae4788fddf','6a980b53194b283c5344e664b2efe7c7e8da07aea15cda081213b7139113b99a');
INSERT INTO "event" VALUES(27,1700000040025,1700000040025,1700000100000,'test','trade_flagged',1,7,7,'{"trade_id":7,"flags":["unverified"],"at_ms":1700000100000}','6a980b53194b283c5344e664b2efe7c7e8da07aea15cda081213b7139113b99a','e96ddef8e07a6a5899eb57437220ec02f48c98dddd8bca0744c567a8ce5609c2');
INSERT INTO "event" VALUES(28,1700000040025,1700000040025,1700000040000,'test','tags_changed',1,7,7,'{"trade_id":7,"tags":["kept","swing"]}','e96ddef8e07a6a5899eb57437220ec02f48c98dddd8bca0744c567a8ce5609c2','f644e78f7a98c2b9e7f8601dec5f32ea97c07121e14d61fda697e8d14f75c581');
INSERT INTO "event" VALUES(29,1700000040026,1700000040026,1700000040000,'test','signal_added',NULL,NULL,8,'{"signal_id":8,"signal":{"source":"other","external_id":"spare","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":1700000100000,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}}','f644e78f7a98c2b9e7f8601dec5f32ea97c07121e14d61fda697e8d14f75c581','629453064aea8ef15dec3cf70d414556254ba3e1101a75eb1858ddfe5cb9f05b');
INSERT INTO "event" VALUES(30,1700000040027,1700000040027,1700000100000,'test','signal_cancelled',NULL,NULL,8,'{"signal_id":8}','629453064aea8ef15dec3cf70d414556254ba3e1101a75eb1858ddfe5cb9f05b','5ec2eed416f9f7b1721126610d88dd891c02a5a0483ec894bd00667f2dd34207');
INSERT INTO "event" VALUES(31,1700000040027,1700000040027,1700000100000,'test','note_added',1,NULL,NULL,'{"note_id":1,"account_id":1,"text":"a bad day","trade_id":null,"signal_id":null,"symbol":null,"tags":["mood"],"confidence":null}','5ec2eed416f9f7b1721126610d88dd891c02a5a0483ec894bd00667f2dd34207','aa9e749cedb3c327e64de344ccd0ec86cae3a8426d7171c15e4aaa58a2da414f');
INSERT INTO "event" VALUES(32,1700000040027,1700000040027,1700000100000,'test','note_added',1,1,1,'{"note_id":2,"account_id":1,"text":"stopped too early","trade_id":1,"signal_id":1,"symbol":"BTCUSDT","tags":[],"confidence":"0.25"}','aa9e749cedb3c327e64de344ccd0ec86cae3a8426d7171c15e4aaa58a2da414f','d0acd98c769e3ec4c2ff7c6bb537e98a266da3e6afc9d0dba8b2a676239a79f0');
INSERT INTO "event" VALUES(33,1700000040027,1700000040027,1700000100000,'test','refused',2,NULL,NULL,'{"account_id":2,"code":"insufficient_funds","message":"too little cash","symbol":"BTCUSDT","side":"long","signal_key":"scanner:spare"}','d0acd98c769e3ec4c2ff7c6bb537e98a266da3e6afc9d0dba8b2a676239a79f0','eb0a89411261838deb4b215ffadf43ba324514e1c78b2ca1f7992d648bf866f0');
INSERT INTO "event" VALUES(34,1700000040027,1700000040027,1700000100000,'test','epoch_started',2,NULL,NULL,'{"account_id":2,"epoch":2}','eb0a89411261838deb4b215ffadf43ba324514e1c78b2ca1f7992d648bf866f0','09c53d57367494a6e0141b10fc935b52552c4013d953ec33496dd5d7a2cf6c9e');
CREATE TABLE fill (
	event_seq INTEGER NOT NULL, 
	trade_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	leg TEXT NOT NULL, 
	side TEXT NOT NULL, 
	trade_side TEXT NOT NULL, 
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	quantity TEXT NOT NULL, 
	price TEXT NOT NULL, 
	raw_price TEXT NOT NULL, 
	level TEXT, 
	notional_u INTEGER NOT NULL, 
	fee_rate TEXT NOT NULL, 
	fee_u INTEGER NOT NULL, 
	slippage_u INTEGER NOT NULL, 
	gross_u INTEGER, 
	realized_u INTEGER, 
	liquidity TEXT NOT NULL, 
	reason TEXT, 
	rule TEXT NOT NULL, 
	is_ambiguous INTEGER NOT NULL, 
	flags TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (event_seq), 
	CONSTRAINT fill_of_trade UNIQUE (trade_id, n), 
	CONSTRAINT leg_known CHECK (leg IN ('entry', 'exit')), 
	CONSTRAINT side_known CHECK (side IN ('buy', 'sell')), 
	CONSTRAINT liquidity_known CHECK (liquidity IN ('maker', 'taker')), 
	CONSTRAINT reason_known CHECK (reason IN ('take_profit', 'stop_loss', 'trailing_stop', 'break_even', 'time_limit', 'manual', 'liquidation')), 
	CONSTRAINT quantity_is_decimal CHECK (quantity GLOB '[0-9]*' AND quantity NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT price_is_decimal CHECK (price GLOB '[0-9]*' AND price NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT raw_price_is_decimal CHECK (raw_price GLOB '[0-9]*' AND raw_price NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT level_is_decimal CHECK (level GLOB '[0-9]*' AND level NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT fee_rate_is_decimal CHECK (fee_rate GLOB '[0-9]*' AND fee_rate NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT costs_not_negative CHECK (fee_u >= 0 AND notional_u >= 0 AND slippage_u >= 0), 
	CONSTRAINT exit_has_result CHECK ((leg = 'exit') = (reason IS NOT NULL) AND (leg = 'exit') = (gross_u IS NOT NULL) AND (leg = 'exit') = (realized_u IS NOT NULL)), 
	FOREIGN KEY(event_seq) REFERENCES event (seq), 
	FOREIGN KEY(trade_id) REFERENCES trade (id), 
	FOREIGN KEY(account_id) REFERENCES account (id)
)
 STRICT;
INSERT INTO "fill" VALUES(6,1,1,1,'entry','buy','long','binance','BTCUSDT','0.5','100.05','100',NULL,5002500000,'0.001',5002500,2500000,NULL,NULL,'taker',NULL,'6 at once',0,'[]',1700000040000);
INSERT INTO "fill" VALUES(7,1,1,2,'exit','sell','long','binance','BTCUSDT','0.5','97.99','98.04','98.04',4899500000,'0.001',4899500,2500000,-103000000,-112902000,'taker','stop_loss','4.2 stop touched',0,'[]',1700000159999);
INSERT INTO "fill" VALUES(9,2,1,1,'entry','buy','long','binance','BTCUSDT','0.5','100.05','100',NULL,5002500000,'0.001',5002500,2500000,NULL,NULL,'taker',NULL,'6 at once',0,'[]',1700000040000);
INSERT INTO "fill" VALUES(10,2,1,2,'exit','sell','long','binance','BTCUSDT','0.25','104.07','104.07','104.07',2601750000,'0.001',2601750,0,100500000,95397000,'maker','take_profit','4.2 target touched',0,'[]',1700000159999);
INSERT INTO "fill" VALUES(11,2,1,3,'exit','sell','long','binance','BTCUSDT','0.25','108.09','108.09','108.09',2702250000,'0.001',2702250,0,201000000,195796500,'maker','take_profit','4.2 target touched',0,'[]',1700000219999);
INSERT INTO "fill" VALUES(13,3,1,1,'entry','sell','short','binance','ETHUSDT','0.5','99.95','100',NULL,4997500000,'0.001',4997500,2500000,NULL,NULL,'taker',NULL,'6 at once',0,'[]',1700000040000);
INSERT INTO "fill" VALUES(14,3,1,2,'exit','buy','short','binance','ETHUSDT','0.25','95.95','95.95','95.95',2398750000,'0.001',2398750,0,100000000,95102500,'maker','take_profit','4.2 target touched',0,'[]',1700000159999);
INSERT INTO "fill" VALUES(25,7,1,1,'entry','buy','long','binance','BTCUSDT','0.5','98','98','98',4900000000,'0.001',4900000,0,NULL,NULL,'maker',NULL,'4.4 entry touched',0,'[]',1700000159999);
CREATE TABLE instrument (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	content TEXT NOT NULL, 
	fetched_ms INTEGER NOT NULL, 
	PRIMARY KEY (venue, symbol)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE ledger (
	event_seq INTEGER NOT NULL, 
	book TEXT NOT NULL, 
	account_id INTEGER NOT NULL, 
	trade_id INTEGER, 
	amount_u INTEGER NOT NULL, 
	PRIMARY KEY (event_seq, book), 
	CONSTRAINT book_known CHECK (book IN ('cash', 'reserved', 'realized_pnl', 'fees', 'funding', 'capital')), 
	CONSTRAINT amount_not_zero CHECK (amount_u <> 0), 
	FOREIGN KEY(event_seq) REFERENCES event (seq), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	FOREIGN KEY(trade_id) REFERENCES trade (id)
)
 WITHOUT ROWID,
 STRICT;
INSERT INTO "ledger" VALUES(2,'capital',1,NULL,-1000000000000);
INSERT INTO "ledger" VALUES(2,'cash',1,NULL,1000000000000);
INSERT INTO "ledger" VALUES(4,'capital',2,NULL,-50000000000);
INSERT INTO "ledger" VALUES(4,'cash',2,NULL,50000000000);
INSERT INTO "ledger" VALUES(6,'cash',1,1,-5007502500);
INSERT INTO "ledger" VALUES(6,'fees',1,1,5002500);
INSERT INTO "ledger" VALUES(6,'reserved',1,1,5002500000);
INSERT INTO "ledger" VALUES(7,'cash',1,1,4894600500);
INSERT INTO "ledger" VALUES(7,'fees',1,1,4899500);
INSERT INTO "ledger" VALUES(7,'realized_pnl',1,1,103000000);
INSERT INTO "ledger" VALUES(7,'reserved',1,1,-5002500000);
INSERT INTO "ledger" VALUES(9,'cash',1,2,-5007502500);
INSERT INTO "ledger" VALUES(9,'fees',1,2,5002500);
INSERT INTO "ledger" VALUES(9,'reserved',1,2,5002500000);
INSERT INTO "ledger" VALUES(10,'cash',1,2,2599148250);
INSERT INTO "ledger" VALUES(10,'fees',1,2,2601750);
INSERT INTO "ledger" VALUES(10,'realized_pnl',1,2,-100500000);
INSERT INTO "ledger" VALUES(10,'reserved',1,2,-2501250000);
INSERT INTO "ledger" VALUES(11,'cash',1,2,2699547750);
INSERT INTO "ledger" VALUES(11,'fees',1,2,2702250);
INSERT INTO "ledger" VALUES(11,'realized_pnl',1,2,-201000000);
INSERT INTO "ledger" VALUES(11,'reserved',1,2,-2501250000);
INSERT INTO "ledger" VALUES(13,'cash',1,3,-5002497500);
INSERT INTO "ledger" VALUES(13,'fees',1,3,4997500);
INSERT INTO "ledger" VALUES(13,'reserved',1,3,4997500000);
INSERT INTO "ledger" VALUES(14,'cash',1,3,2596351250);
INSERT INTO "ledger" VALUES(14,'fees',1,3,2398750);
INSERT INTO "ledger" VALUES(14,'realized_pnl',1,3,-100000000);
INSERT INTO "ledger" VALUES(14,'reserved',1,3,-2498750000);
INSERT INTO "ledger" VALUES(16,'cash',1,4,-4904900000);
INSERT INTO "ledger" VALUES(16,'reserved',1,4,4904900000);
INSERT INTO "ledger" VALUES(17,'cash',1,4,4904900000);
INSERT INTO "ledger" VALUES(17,'reserved',1,4,-4904900000);
INSERT INTO "ledger" VALUES(19,'cash',1,5,-4904900000);
INSERT INTO "ledger" VALUES(19,'reserved',1,5,4904900000);
INSERT INTO "ledger" VALUES(20,'cash',1,5,4904900000);
INSERT INTO "ledger" VALUES(20,'reserved',1,5,-4904900000);
INSERT INTO "ledger" VALUES(22,'cash',2,6,-4904900000);
INSERT INTO "ledger" VALUES(22,'reserved',2,6,4904900000);
INSERT INTO "ledger" VALUES(24,'cash',1,7,-4904900000);
INSERT INTO "ledger" VALUES(24,'reserved',1,7,4904900000);
INSERT INTO "ledger" VALUES(25,'fees',1,7,4900000);
INSERT INTO "ledger" VALUES(25,'reserved',1,7,-4900000);
CREATE TABLE migration (
	version INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (version)
)
 STRICT;
INSERT INTO "migration" VALUES(2,1700000040001);
CREATE TABLE note (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	trade_id INTEGER, 
	signal_id INTEGER, 
	symbol TEXT, 
	text TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	confidence TEXT, 
	at_ms INTEGER NOT NULL, 
	event_seq INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	FOREIGN KEY(trade_id) REFERENCES trade (id), 
	FOREIGN KEY(signal_id) REFERENCES signal (id), 
	FOREIGN KEY(event_seq) REFERENCES event (seq)
)
 STRICT;
INSERT INTO "note" VALUES(1,1,NULL,NULL,NULL,'a bad day','["mood"]',NULL,1700000100000,31);
INSERT INTO "note" VALUES(2,1,1,1,'BTCUSDT','stopped too early','[]','0.25',1700000100000,32);
CREATE TABLE price (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	price TEXT NOT NULL, 
	PRIMARY KEY (venue, symbol, at_ms)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE quote (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	last TEXT NOT NULL, 
	bid TEXT, 
	ask TEXT, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (venue, symbol)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE run (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	started_ms INTEGER NOT NULL, 
	ended_ms INTEGER, 
	last_tick_ms INTEGER, 
	next_tick_ms INTEGER, 
	ticks INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	stop_requested TEXT, 
	note TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE run_saved (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	made_ms INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	trades INTEGER NOT NULL, 
	figures TEXT NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_run_of_a_name UNIQUE (name)
)
 STRICT;
CREATE TABLE setting (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE signal (
	id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	external_id TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	side TEXT NOT NULL, 
	status TEXT NOT NULL, 
	made_ms INTEGER NOT NULL, 
	expires_ms INTEGER, 
	content TEXT NOT NULL, 
	added_ms INTEGER NOT NULL, 
	event_seq INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_signal UNIQUE (source, external_id), 
	CONSTRAINT status_known CHECK (status IN ('stored', 'cancelled')), 
	FOREIGN KEY(event_seq) REFERENCES event (seq)
)
 STRICT;
INSERT INTO "signal" VALUES(1,'scanner','stopped','BTCUSDT','long','stored',1700000040000,NULL,'{"source":"scanner","external_id":"stopped","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":"0.8","reason":"","tags":["slow"],"is_dated":true,"is_expiry_dated":true}',1700000040000,5);
INSERT INTO "signal" VALUES(2,'scanner','both targets','BTCUSDT','long','stored',1700000040000,NULL,'{"source":"scanner","external_id":"both targets","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,8);
INSERT INTO "signal" VALUES(3,'scanner','one target','ETHUSDT','short','stored',1700000040000,NULL,'{"source":"scanner","external_id":"one target","symbol":"ETHUSDT","side":"short","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,12);
INSERT INTO "signal" VALUES(4,'scanner','cancelled','BTCUSDT','long','stored',1700000040000,NULL,'{"source":"scanner","external_id":"cancelled","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,15);
INSERT INTO "signal" VALUES(5,'scanner','expired','BTCUSDT','long','stored',1700000040000,NULL,'{"source":"scanner","external_id":"expired","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,18);
INSERT INTO "signal" VALUES(6,'other','waiting','BTCUSDT','short','stored',1700000040000,NULL,'{"source":"other","external_id":"waiting","symbol":"BTCUSDT","side":"short","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":null,"targets":[]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,21);
INSERT INTO "signal" VALUES(7,'scanner','filled','BTCUSDT','long','stored',1700000040000,NULL,'{"source":"scanner","external_id":"filled","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"limit","entry_price":"98","exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":null,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,23);
INSERT INTO "signal" VALUES(8,'other','spare','BTCUSDT','long','cancelled',1700000040000,1700000100000,'{"source":"other","external_id":"spare","symbol":"BTCUSDT","side":"long","made_at_ms":1700000040000,"entry_type":"market","entry_price":null,"exits":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"size":null,"expires_at_ms":1700000100000,"confidence":null,"reason":"","tags":[],"is_dated":true,"is_expiry_dated":true}',1700000040000,29);
CREATE TABLE trade (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	signal_id INTEGER NOT NULL, 
	signal_key TEXT NOT NULL, 
	source TEXT NOT NULL, 
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	side TEXT NOT NULL, 
	entry_type TEXT NOT NULL, 
	order_price TEXT, 
	order_quantity TEXT NOT NULL, 
	exits TEXT NOT NULL, 
	terms TEXT NOT NULL, 
	placed_ms INTEGER NOT NULL, 
	order_whole_from_ms INTEGER NOT NULL, 
	expires_ms INTEGER, 
	confidence TEXT, 
	reason TEXT NOT NULL, 
	order_tags TEXT NOT NULL, 
	order_flags TEXT NOT NULL, 
	status TEXT NOT NULL, 
	quantity TEXT NOT NULL, 
	open_quantity TEXT NOT NULL, 
	reserve_u INTEGER NOT NULL, 
	rulings TEXT NOT NULL, 
	applied_to_ms INTEGER NOT NULL, 
	whole_from_ms INTEGER NOT NULL, 
	tags TEXT NOT NULL, 
	flags TEXT NOT NULL, 
	entry_price TEXT, 
	opened_ms INTEGER, 
	initial_stop TEXT, 
	liquidation_price TEXT, 
	entry_fee_u INTEGER NOT NULL, 
	entry_fee_left_u INTEGER NOT NULL, 
	fees_u INTEGER NOT NULL, 
	slippage_u INTEGER NOT NULL, 
	gross_u INTEGER NOT NULL, 
	realized_u INTEGER NOT NULL, 
	exit_value TEXT NOT NULL, 
	exit_reason TEXT, 
	closed_ms INTEGER, 
	is_ambiguous INTEGER NOT NULL, 
	armed_below REAL, 
	armed_above REAL, 
	armed_at INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT status_known CHECK (status IN ('pending', 'open', 'closed', 'cancelled', 'expired', 'rejected')), 
	CONSTRAINT side_known CHECK (side IN ('long', 'short')), 
	CONSTRAINT entry_type_known CHECK (entry_type IN ('market', 'limit', 'stop')), 
	CONSTRAINT exit_reason_known CHECK (exit_reason IN ('take_profit', 'stop_loss', 'trailing_stop', 'break_even', 'time_limit', 'manual', 'liquidation')), 
	CONSTRAINT order_quantity_is_decimal CHECK (order_quantity GLOB '[0-9]*' AND order_quantity NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT quantity_is_decimal CHECK (quantity GLOB '[0-9]*' AND quantity NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT open_quantity_is_decimal CHECK (open_quantity GLOB '[0-9]*' AND open_quantity NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT order_price_is_decimal CHECK (order_price GLOB '[0-9]*' AND order_price NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT entry_price_is_decimal CHECK (entry_price GLOB '[0-9]*' AND entry_price NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT initial_stop_is_decimal CHECK (initial_stop GLOB '[0-9]*' AND initial_stop NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT liquidation_price_is_decimal CHECK (liquidation_price GLOB '[0-9]*' AND liquidation_price NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT exit_value_is_decimal CHECK (exit_value GLOB '[0-9]*' AND exit_value NOT GLOB '*[^0-9.]*'), 
	CONSTRAINT ended_has_time CHECK ((status IN ('pending', 'open')) = (closed_ms IS NULL)), 
	CONSTRAINT closed_has_reason CHECK ((status = 'closed') = (exit_reason IS NOT NULL)), 
	CONSTRAINT entered_has_time CHECK ((entry_price IS NULL) = (opened_ms IS NULL)), 
	CONSTRAINT open_was_entered CHECK (status NOT IN ('open', 'closed') OR opened_ms IS NOT NULL), 
	CONSTRAINT open_has_quantity CHECK ((status = 'open') = (open_quantity <> '0')), 
	CONSTRAINT reserve_is_live CHECK (reserve_u >= 0 AND (reserve_u = 0 OR status IN ('pending', 'open'))), 
	CONSTRAINT costs_not_negative CHECK (fees_u >= 0 AND entry_fee_u >= 0 AND slippage_u >= 0), 
	CONSTRAINT ambiguous_is_boolean CHECK (is_ambiguous IN (0, 1)), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	FOREIGN KEY(signal_id) REFERENCES signal (id)
)
 STRICT;
INSERT INTO "trade" VALUES(1,1,1,1,'scanner:stopped','scanner','binance','BTCUSDT','long','market',NULL,'0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,NULL,'0.8','','["slow"]','[]','closed','0.5','0',0,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"98.04","targets":[{"price":"104.07","fraction":"0.5","is_filled":false},{"price":"108.09","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}]',1700000160000,1700000160000,'["slow"]','[]','100.05',1700000040000,'98.04',NULL,5002500,0,9902000,5000000,-103000000,-112902000,'48.995','stop_loss',1700000159999,0,NULL,NULL,NULL);
INSERT INTO "trade" VALUES(2,1,1,2,'scanner:both targets','scanner','binance','BTCUSDT','long','market',NULL,'0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,NULL,NULL,'','[]','[]','closed','0.5','0',0,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"98.04","targets":[{"price":"104.07","fraction":"0.5","is_filled":true},{"price":"108.09","fraction":"0.5","is_filled":true}],"base_quantity":"0.5"}}]',1700000220000,1700000220000,'[]','[]','100.05',1700000040000,'98.04',NULL,5002500,0,10306500,2500000,301500000,291193500,'53.04','take_profit',1700000219999,0,NULL,NULL,NULL);
INSERT INTO "trade" VALUES(3,1,1,3,'scanner:one target','scanner','binance','ETHUSDT','short','market',NULL,'0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,NULL,NULL,'','[]','[]','open','0.5','0.25',2498750000,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"101.95","targets":[{"price":"95.95","fraction":"0.5","is_filled":true},{"price":"91.95","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}}]',1700000160000,1700000160000,'[]','[]','99.95',1700000040000,'101.95','199.71',4997500,2498750,7396250,2500000,100000000,95102500,'23.9875',NULL,NULL,0,9.19500000000000170495e+01,1.01949999999999988634e+02,NULL);
INSERT INTO "trade" VALUES(4,1,1,4,'scanner:cancelled','scanner','binance','BTCUSDT','long','limit','98','0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,1700000160000,NULL,'','[]','[]','cancelled','0.5','0',0,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":null}]',1700000100000,1700000100000,'[]','[]',NULL,NULL,NULL,NULL,0,0,0,0,0,0,'0',NULL,1700000100000,0,NULL,NULL,NULL);
INSERT INTO "trade" VALUES(5,1,1,5,'scanner:expired','scanner','binance','BTCUSDT','long','limit','98','0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,1700000100000,NULL,'','[]','[]','expired','0.5','0',0,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":null}]',1700000160000,1700000100000,'[]','[]',NULL,NULL,NULL,NULL,0,0,0,0,0,0,'0',NULL,1700000100000,0,NULL,NULL,NULL);
INSERT INTO "trade" VALUES(6,2,1,6,'other:waiting','other','binance','BTCUSDT','short','limit','98','0.5','{"stop":null,"targets":[]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,NULL,NULL,'','[]','[]','pending','0.5','0',4904900000,'[{"from_ms":1700000040000,"wish":{"stop":null,"targets":[]},"levels":null}]',1700000040000,1700000100000,'[]','[]',NULL,NULL,NULL,NULL,0,0,0,0,0,0,'0',NULL,NULL,0,NULL,9.79999999999999857856e+01,NULL);
INSERT INTO "trade" VALUES(7,1,1,7,'scanner:filled','scanner','binance','BTCUSDT','long','limit','98','0.5','{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]}','{"maker":"0.001","taker":"0.001","slippage_bps":"5","leverage":"1","price_step":"0.01","quantity_step":"0.00000001","quantity_min":"0","notional_min":"0","convention":{"same_candle":"stop-first","gap_stop":"open","gap_target":"level","gap_limit":"level","limit_fill":"touch"}}',1700000040000,1700000100000,NULL,NULL,'','[]','[]','open','0.5','0.5',4900000000,'[{"from_ms":1700000040000,"wish":{"stop":{"kind":"percent","value":"2"},"targets":[{"level":{"kind":"risk","value":"2"},"fraction":"0.5"},{"level":{"kind":"risk","value":"4"},"fraction":"0.5"}]},"levels":{"stop":"96.04","targets":[{"price":"101.92","fraction":"0.5","is_filled":false},{"price":"105.84","fraction":"0.5","is_filled":false}],"base_quantity":"0.5"}},{"from_ms":1700000160000,"wish":{"stop":null,"targets":[]},"levels":{"stop":"90","targets":[],"base_quantity":"0.5"}}]',1700000160000,1700000160000,'["kept","swing"]','["unverified"]','98',1700000159999,'96.04',NULL,4900000,4900000,4900000,0,0,0,'0',NULL,NULL,0,9.60400000000000204653e+01,1.01919999999999987493e+02,NULL);
CREATE TABLE venue (
	venue TEXT NOT NULL, 
	closed_until_ms INTEGER, 
	closed_reason TEXT NOT NULL, 
	clock_offset_ms INTEGER, 
	measured_ms INTEGER, 
	failures INTEGER NOT NULL, 
	last_error TEXT NOT NULL, 
	PRIMARY KEY (venue)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE venue_symbol (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	last_error TEXT NOT NULL, 
	since_ms INTEGER NOT NULL, 
	PRIMARY KEY (venue, symbol)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE watermark (
	venue TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	end_ms INTEGER NOT NULL, 
	close TEXT NOT NULL, 
	PRIMARY KEY (venue, symbol)
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE watermark_aside (
	trade_id INTEGER NOT NULL, 
	from_ms INTEGER NOT NULL, 
	error TEXT NOT NULL, 
	ticks INTEGER NOT NULL, 
	PRIMARY KEY (trade_id)
)
 STRICT;
CREATE INDEX delivery_waiting ON delivery (next_ms) WHERE delivered_ms IS NULL;
CREATE INDEX event_of_trade ON event (trade_id, seq) WHERE trade_id IS NOT NULL;
CREATE INDEX run_started ON run (kind, started_ms);
CREATE INDEX live_above ON trade (venue, symbol, armed_above) WHERE status IN ('pending', 'open');
CREATE INDEX live_at ON trade (venue, symbol, armed_at) WHERE status IN ('pending', 'open');
CREATE INDEX live_below ON trade (venue, symbol, armed_below) WHERE status IN ('pending', 'open');
CREATE UNIQUE INDEX one_live_trade ON trade (account_id, signal_id) WHERE status IN ('pending', 'open');
CREATE INDEX trade_of_account ON trade (account_id, status);
CREATE INDEX trade_of_signal ON trade (signal_id);
CREATE INDEX ledger_of_book ON ledger (account_id, book, event_seq, amount_u);
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END;
CREATE TRIGGER fill_no_update BEFORE UPDATE ON fill BEGIN SELECT RAISE(ABORT, 'fill is append-only'); END;
CREATE TRIGGER fill_no_delete BEFORE DELETE ON fill BEGIN SELECT RAISE(ABORT, 'fill is append-only'); END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER note_no_update BEFORE UPDATE ON note BEGIN SELECT RAISE(ABORT, 'note is append-only'); END;
CREATE TRIGGER note_no_delete BEFORE DELETE ON note BEGIN SELECT RAISE(ABORT, 'note is append-only'); END;
CREATE TRIGGER account_no_delete BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'account is never deleted'); END;
CREATE TRIGGER signal_no_delete BEFORE DELETE ON signal BEGIN SELECT RAISE(ABORT, 'signal is never deleted'); END;
CREATE TRIGGER trade_no_delete BEFORE DELETE ON trade BEGIN SELECT RAISE(ABORT, 'trade is never deleted'); END;
CREATE TRIGGER account_fixed BEFORE UPDATE ON account WHEN NEW.id IS NOT OLD.id OR NEW.name IS NOT OLD.name OR NEW.currency IS NOT OLD.currency OR NEW.created_ms IS NOT OLD.created_ms OR NEW.epoch <> OLD.epoch + 1 OR NEW.epoch_seq <= OLD.epoch_seq BEGIN SELECT RAISE(ABORT, 'an account changes by a new epoch only'); END;
CREATE TRIGGER signal_fixed BEFORE UPDATE ON signal WHEN NEW.id IS NOT OLD.id OR NEW.source IS NOT OLD.source OR NEW.external_id IS NOT OLD.external_id OR NEW.symbol IS NOT OLD.symbol OR NEW.side IS NOT OLD.side OR NEW.made_ms IS NOT OLD.made_ms OR NEW.expires_ms IS NOT OLD.expires_ms OR NEW.content IS NOT OLD.content OR NEW.added_ms IS NOT OLD.added_ms OR NEW.event_seq IS NOT OLD.event_seq OR OLD.status <> 'stored' OR NEW.status <> 'cancelled' BEGIN SELECT RAISE(ABORT, 'a signal can only be cancelled'); END;
CREATE TRIGGER trade_fixed BEFORE UPDATE ON trade WHEN NEW.id IS NOT OLD.id OR NEW.account_id IS NOT OLD.account_id OR NEW.epoch IS NOT OLD.epoch OR NEW.signal_id IS NOT OLD.signal_id OR NEW.signal_key IS NOT OLD.signal_key OR NEW.source IS NOT OLD.source OR NEW.venue IS NOT OLD.venue OR NEW.symbol IS NOT OLD.symbol OR NEW.side IS NOT OLD.side OR NEW.entry_type IS NOT OLD.entry_type OR NEW.order_price IS NOT OLD.order_price OR NEW.order_quantity IS NOT OLD.order_quantity OR NEW.exits IS NOT OLD.exits OR NEW.terms IS NOT OLD.terms OR NEW.placed_ms IS NOT OLD.placed_ms OR NEW.order_whole_from_ms IS NOT OLD.order_whole_from_ms OR NEW.expires_ms IS NOT OLD.expires_ms OR NEW.confidence IS NOT OLD.confidence OR NEW.reason IS NOT OLD.reason OR NEW.order_tags IS NOT OLD.order_tags OR NEW.order_flags IS NOT OLD.order_flags BEGIN SELECT RAISE(ABORT, 'the order of a trade never changes'); END;
CREATE TRIGGER trade_path BEFORE UPDATE OF status ON trade WHEN NEW.status <> OLD.status AND NOT (OLD.status = 'pending' OR (OLD.status = 'open' AND NEW.status = 'closed')) BEGIN SELECT RAISE(ABORT, 'illegal change of status'); END;
CREATE TRIGGER trade_frozen BEFORE UPDATE ON trade WHEN OLD.status NOT IN ('pending', 'open') AND (NEW.status IS NOT OLD.status OR NEW.quantity IS NOT OLD.quantity OR NEW.open_quantity IS NOT OLD.open_quantity OR NEW.reserve_u IS NOT OLD.reserve_u OR NEW.rulings IS NOT OLD.rulings OR NEW.applied_to_ms IS NOT OLD.applied_to_ms OR NEW.whole_from_ms IS NOT OLD.whole_from_ms OR NEW.entry_price IS NOT OLD.entry_price OR NEW.opened_ms IS NOT OLD.opened_ms OR NEW.initial_stop IS NOT OLD.initial_stop OR NEW.liquidation_price IS NOT OLD.liquidation_price OR NEW.entry_fee_u IS NOT OLD.entry_fee_u OR NEW.entry_fee_left_u IS NOT OLD.entry_fee_left_u OR NEW.fees_u IS NOT OLD.fees_u OR NEW.slippage_u IS NOT OLD.slippage_u OR NEW.gross_u IS NOT OLD.gross_u OR NEW.realized_u IS NOT OLD.realized_u OR NEW.exit_value IS NOT OLD.exit_value OR NEW.exit_reason IS NOT OLD.exit_reason OR NEW.closed_ms IS NOT OLD.closed_ms OR NEW.is_ambiguous IS NOT OLD.is_ambiguous OR NEW.armed_below IS NOT OLD.armed_below OR NEW.armed_above IS NOT OLD.armed_above OR NEW.armed_at IS NOT OLD.armed_at) BEGIN SELECT RAISE(ABORT, 'an ended trade is frozen'); END;
COMMIT;
