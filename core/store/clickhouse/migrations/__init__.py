"""Changes of the tables, in order. Each may be run again after it stopped half-way: ClickHouse has no transactions."""
