{#- Functions that engines spell differently; exact arithmetic is in exact.sql. -#}

{%- macro last_reported(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('last_reported')(expression, partition_by, order_by)) }}
{%- endmacro -%}

{#- The last value up to the current row that is not null. -#}
{%- macro duckdb__last_reported(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro -%}


{%- macro first_reported(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('first_reported')(expression, partition_by, order_by)) }}
{%- endmacro -%}

{#- The first value of the whole partition that is not null. -#}
{%- macro duckdb__first_reported(expression, partition_by, order_by) -%}
    first_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and unbounded following
    )
{%- endmacro -%}


{#- Instants before and after all that data can hold: the open ends of an interval. -#}
{%- macro beginning_of_time() -%} cast('0001-01-01 00:00:00' as timestamp) {%- endmacro -%}

{%- macro end_of_time() -%} cast('9999-12-31 23:59:59.999999' as timestamp) {%- endmacro -%}
