{#-
    §2 "In force at an instant T": of the rows with one key, the one with the greatest
    updated_at <= T; if there is none, the one with the least updated_at. Rows that are left with
    the same key and updated_at are identical (the ingest gate blocks a conflict); file and row
    only make the order total.
-#}
{%- macro in_force(key, instant) -%}
    qualify row_number() over (
        partition by {{ key }}
        order by
            case when updated_at <= {{ instant }} then 0 else 1 end,
            case when updated_at <= {{ instant }} then updated_at end desc nulls last,
            updated_at,
            file_no,
            row_no
    ) = 1
{%- endmacro -%}
