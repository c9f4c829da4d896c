"""The core of the product: from points to money (contract §6 and §7).

Pure rules on whole numbers and rationals: no Dagster, dbt, Great Expectations, files or databases.
"""
