{#-
    Exact arithmetic: the only place with a division, a rounding or a wide type.
    Everything is a whole number with a scale in its name (points_e4 is points x 10^4).
    What differs between engines is dispatched. On Spark a wide whole number is decimal(38, 0), since
    it has no HUGEINT; what does not fit 38 digits raises there too.
-#}

{%- macro whole(expression) -%}
    {{ return(adapter.dispatch('whole')(expression)) }}
{%- endmacro -%}

{#- 128 bits; what does not fit raises, it never wraps. -#}
{%- macro duckdb__whole(expression) -%}
    cast({{ expression }} as hugeint)
{%- endmacro -%}

{%- macro spark__whole(expression) -%}
    cast({{ expression }} as decimal(38, 0))
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

{#-
    `div` wraps at 64 bits without a word, and `/` rounds. The remainder is exact, so what is divided
    here leaves none: a quotient of at most 32 digits comes out as it is, a longer one raises.
-#}
{%- macro spark__floor_div(dividend, divisor) -%}
    cast(
        (
            {{ whole(dividend) }}
            - pmod({{ whole(dividend) }}, {{ whole(divisor) }})
        ) / {{ whole(divisor) }}
        as decimal(38, 0)
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

{%- macro whole_e10(expression) -%}
    {{ return(adapter.dispatch('whole_e10')(expression)) }}
{%- endmacro -%}

{#- A decimal with 10 places at most as a whole number at scale e10. -#}
{%- macro duckdb__whole_e10(expression) -%}
    cast(cast({{ expression }} as decimal(38, 10)) * cast(10000000000 as decimal(11, 0)) as hugeint)
{%- endmacro -%}

{#- The product has 6 decimals, all of them 0. -#}
{%- macro spark__whole_e10(expression) -%}
    cast(
        cast({{ expression }} as decimal(38, 10)) * cast(10000000000 as decimal(11, 0))
        as decimal(38, 0)
    )
{%- endmacro -%}


{%- macro half_of_e10(expression) -%}
    {{ return(adapter.dispatch('half_of_e10')(expression)) }}
{%- endmacro -%}

{#- Half of a whole number at scale e10, exact: 11 decimals. -#}
{%- macro duckdb__half_of_e10(expression) -%}
    cast({{ expression }} as decimal(38, 0)) * cast(0.00000000005 as decimal(11, 11))
{%- endmacro -%}

{#- Of a wider product Spark would cut decimals off without a word; 26 digits leave it 11. -#}
{%- macro spark__half_of_e10(expression) -%}
    cast({{ expression }} as decimal(26, 0)) * cast(0.00000000005 as decimal(11, 11))
{%- endmacro -%}
