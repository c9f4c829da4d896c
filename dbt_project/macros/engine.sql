{#- Functions that engines spell differently; exact arithmetic is in exact.sql. -#}

{#- Instants before and after all that data can hold: the open ends of an interval. -#}
{%- macro beginning_of_time() -%} cast('0001-01-01 00:00:00' as timestamp) {%- endmacro -%}

{%- macro end_of_time() -%} cast('9999-12-31 23:59:59.999999' as timestamp) {%- endmacro -%}


{%- macro last_by(value, key) -%}
    {{ return(adapter.dispatch('last_by')(value, key)) }}
{%- endmacro -%}

{#- The value in the row with the greatest key, also where it is null there. -#}
{%- macro duckdb__last_by(value, key) -%}
    arg_max_null({{ value }}, {{ key }})
{%- endmacro -%}

{#- Spark's max_by takes a null value as it is. -#}
{%- macro spark__last_by(value, key) -%}
    max_by({{ value }}, {{ key }})
{%- endmacro -%}


{%- macro first_by(value, key) -%}
    {{ return(adapter.dispatch('first_by')(value, key)) }}
{%- endmacro -%}

{#- The value in the row with the least key, also where it is null there. -#}
{%- macro duckdb__first_by(value, key) -%}
    arg_min_null({{ value }}, {{ key }})
{%- endmacro -%}

{%- macro spark__first_by(value, key) -%}
    min_by({{ value }}, {{ key }})
{%- endmacro -%}


{%- macro packed(columns) -%}
    {{ return(adapter.dispatch('packed')(columns)) }}
{%- endmacro -%}

{#- Several columns as one value; its fields go by their names. -#}
{%- macro duckdb__packed(columns) -%}
    struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro -%}

{%- macro spark__packed(columns) -%}
    named_struct({% for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro -%}


{%- macro instants_key(first, second, ascending=true) -%}
    {{ return(adapter.dispatch('instants_key')(first, second, ascending)) }}
{%- endmacro -%}

{#-
    One number that orders rows by the first instant, then by the second (backwards, if told so).
    Microseconds of the years 1 to 9999 take 59 bits, so two instants fit 128. Such a key costs an
    aggregate a fraction of what a tuple does.
-#}
{%- macro duckdb__instants_key(first, second, ascending) -%}
    (
        cast(epoch_us({{ first }}) as hugeint) * 1152921504606846976
        {{ '+' if ascending else '-' }} epoch_us({{ second }})
    )
{%- endmacro -%}

{#- Spark compares structs field by field. -#}
{%- macro spark__instants_key(first, second, ascending) -%}
    struct(unix_micros({{ first }}), {{ '' if ascending else '-' }}unix_micros({{ second }}))
{%- endmacro -%}


{%- macro day_bit(instant) -%}
    {{ return(adapter.dispatch('day_bit')(instant)) }}
{%- endmacro -%}

{#- One of 62 bits for the UTC day of an instant: days less than 62 apart have different ones. -#}
{%- macro duckdb__day_bit(instant) -%}
    (
        cast(1 as bigint)
        << cast((epoch_us({{ instant }}) + 62135596800000000) // 86400000000 % 62 as bigint)
    )
{%- endmacro -%}

{%- macro spark__day_bit(instant) -%}
    shiftleft(
        cast(1 as bigint),
        cast((unix_micros({{ instant }}) + 62135596800000000) div 86400000000 % 62 as int)
    )
{%- endmacro -%}


{%- macro set_bits(bits) -%}
    {{ return(adapter.dispatch('set_bits')(bits)) }}
{%- endmacro -%}

{%- macro duckdb__set_bits(bits) -%}
    bit_count({{ bits }})
{%- endmacro -%}

{%- macro spark__set_bits(bits) -%}
    bit_count({{ bits }})
{%- endmacro -%}


{%- macro distrust_statistics() -%}
    {{ return(adapter.dispatch('distrust_statistics')()) }}
{%- endmacro -%}

{#-
    For a hook before a model that reads landing files in place: makes DuckDB look at every value
    instead of believing a Parquet footer about it.
-#}
{%- macro duckdb__distrust_statistics() -%}
    set disabled_optimizers = 'filter_pushdown,statistics_propagation,join_filter_pushdown'
{%- endmacro -%}

{%- macro spark__distrust_statistics() -%}
    set spark.sql.parquet.filterPushdown = false
{%- endmacro -%}


{%- macro trust_statistics() -%}
    {{ return(adapter.dispatch('trust_statistics')()) }}
{%- endmacro -%}

{#- For the hook after it: tables of our own have statistics that can be believed. -#}
{%- macro duckdb__trust_statistics() -%}
    set disabled_optimizers = ''
{%- endmacro -%}

{%- macro spark__trust_statistics() -%}
    set spark.sql.parquet.filterPushdown = true
{%- endmacro -%}
