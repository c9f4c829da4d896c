{#-
    The counts of a post that earn points (§3, §5): the same list as orchestration/terms/counts.py.
-#}

{#- As a snapshot reports them and as a program file weighs them. -#}
{%- macro reported_counts() -%}
    {{ return(['views', 'likes', 'comments', 'shares']) }}
{%- endmacro -%}

{#- As they are scored and published: views without ineligible ones. -#}
{%- macro scored_counts() -%}
    {%- set scored = [] -%}
    {%- for count in reported_counts() -%}
        {%- do scored.append(scored_count(count)) -%}
    {%- endfor -%}
    {{ return(scored) }}
{%- endmacro -%}

{#- The scored count that the weight of a reported one weighs. -#}
{%- macro scored_count(count) -%}
    {{ return('qualified_views' if count == 'views' else count) }}
{%- endmacro -%}
