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

{#-
    §2: of the decisions of this program those that are there at closes_on, each as it is in force
    then. One "none of whose rows has updated_at <= closes_on does not exist yet"; what an earlier
    period has posted of one is for the ledger, which reads all rows.
-#}
{%- macro decisions_in_force(decisions, period, key) -%}
    select decisions.*
    from {{ decisions }} as decisions
    inner join {{ period }} as period
        on decisions.program = period.program and decisions.updated_at <= period.closes_at
    {{ in_force('decisions.' ~ key, 'period.closes_at') }}
{%- endmacro -%}
