{#- What dbt-spark is told of types: the contracts of the models name DuckDB's. -#}

{%- macro spark__type(data_type) -%}
    {{ {'varchar': 'string', 'hugeint': 'decimal(38,0)'}.get(data_type, data_type) }}
{%- endmacro -%}

{#- The columns of a contract as an empty query, whose types dbt compares with those of the model. -#}
{%- macro spark__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ spark__type(column['data_type']) }}) as {{ column['name'] }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro -%}
