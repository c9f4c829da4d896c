"""Looking at program file and landing data without a home: what `bonus check` does (contract §10)."""
