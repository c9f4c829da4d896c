{#-
    Exact arithmetic: the only place with a division, a rounding or a wide type.
    Everything is a whole number with a scale in its name (points_e4 is points x 10^4).
    What differs between engines is dispatched; today DuckDB is carried out.
-#}

{%- macro whole(expression) -%}
    {{ return(adapter.dispatch('whole')(expression)) }}
{%- endmacro -%}

{#- 128 bits; what does not fit raises, it never wraps. -#}
{%- macro duckdb__whole(expression) -%}
    cast({{ expression }} as hugeint)
{%- endmacro -%}


{%- macro floor_div(dividend, divisor) -%}
    {{ return(adapter.dispatch('floor_div')(dividend, divisor)) }}
{%- endmacro -%}

{#- Whole division towards minus infinity, divisor above 0. `//` on HUGEINT truncates towards 0. -#}
{%- macro duckdb__floor_div(dividend, divisor) -%}
    (
        ({{ dividend }}) // ({{ divisor }})
        - case when ({{ dividend }}) % ({{ divisor }}) < 0 then 1 else 0 end
    )
{%- endmacro -%}


{#- dividend / divisor, rounded half-even to a whole number; divisor above 0. -#}
{%- macro half_even_div(dividend, divisor) -%}
    {%- set quotient = floor_div(dividend, divisor) -%}
    {%- set remainder = '(' ~ dividend ~ ' - ' ~ quotient ~ ' * (' ~ divisor ~ '))' -%}
    (
        {{ quotient }}
        + case
            when {{ remainder }} > ({{ divisor }}) - {{ remainder }} then 1
            when
                {{ remainder }} = ({{ divisor }}) - {{ remainder }}
                and {{ quotient }} % 2 <> 0
                then 1
            else 0
        end
    )
{%- endmacro -%}


{#- A whole number at scale e4 (e6, e10) as the decimal that is published. -#}
{%- macro decimal_e4(expression) -%}
    cast(cast({{ expression }} as decimal(34, 0)) * cast(0.0001 as decimal(4, 4)) as decimal(38, 4))
{%- endmacro -%}

{%- macro decimal_e6(expression) -%}
    cast(
        cast({{ expression }} as decimal(12, 0)) * cast(0.000001 as decimal(6, 6))
        as decimal(18, 6)
    )
{%- endmacro -%}

{#- A decimal with 10 places at most as a whole number at scale e10. -#}
{%- macro whole_e10(expression) -%}
    cast(cast({{ expression }} as decimal(38, 10)) * cast(10000000000 as decimal(11, 0)) as hugeint)
{%- endmacro -%}

{#- Half of a whole number at scale e10, exact: 11 decimals. -#}
{%- macro half_of_e10(expression) -%}
    cast({{ expression }} as decimal(38, 0)) * cast(0.00000000005 as decimal(11, 11))
{%- endmacro -%}
