"""Building a corpus: units of input, each made into one shard by any process, then put together."""
