{#-
    A table of the work file, which nobody reads before its run has ended: dropped and made anew in one
    transaction. docs/decisions.md says why dbt-duckdb's own way is not taken. Spark has dbt-spark's.
-#}
{%- materialization table, adapter='duckdb' -%}
    {%- set table = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        drop table if exists {{ table }};
        {{ create_table_as(false, table, compiled_code) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [table]}) }}
{%- endmaterialization -%}
