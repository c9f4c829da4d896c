"""What a run costs beside bare DuckDB: made data, floors, measuring. Not part of the product."""
