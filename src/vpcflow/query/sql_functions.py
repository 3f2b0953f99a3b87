"""The functions that SQL may call: a closed list, since a function can read files or variables."""

from __future__ import annotations

#: Our own; the rewriter puts plain SQL in their place.
ADDRESS_FUNCTIONS = frozenset(
    {"in_network", "is_private", "is_ipv4", "is_ipv6", "network", "address", "addr_text"}
)
TIME_FUNCTIONS = frozenset(
    {"last", "since", "before", "between_times", "time_bin", "to_time", "now_s", "now", "today"}
)

_AGGREGATES = """
any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_min argmax argmin
array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if countif covar_pop
covar_samp entropy favg first fsum geometric_mean group_concat histogram kahan_sum kurtosis last
list listagg mad max max_by mean median min min_by mode product quantile quantile_cont quantile_disc
percentile_cont percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop stddev_samp string_agg
sum sumkahan var_pop var_samp variance grouping grouping_id
"""

_WINDOWS = """
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense
row_number
"""

_NUMBERS = """
abs acos add asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp factorial
fdiv floor fmod gamma gcd greatest isfinite isinf isnan lcm least lgamma ln log log10 log2 mod
multiply nextafter pi pow power radians random round round_even sign signbit sin sqrt subtract tan
trunc xor hash
"""

_TEXTS = """
ascii bar bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein
ends_with format format_bytes formatreadablesize formatreadabledecimalsize hamming hex instr jaccard
jaro_similarity jaro_winkler_similarity lcase left length levenshtein lower lpad ltrim md5
nfc_normalize ord position prefix printf regexp_escape regexp_extract regexp_extract_all
regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right
rpad rtrim sha1 sha256 split split_part starts_with str_split string_split strip_accents strlen
strpos substr substring suffix to_base to_hex translate trim ucase unicode upper
"""

_TIMES = """
age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day
dayname dayofmonth dayofweek dayofyear decade epoch epoch_ms epoch_ns epoch_us era extract hour
isodow isoyear julian last_day make_date make_time make_timestamp microsecond millennium millisecond
minute month monthname quarter second strftime strptime time_bucket timezone to_days to_hours
to_minutes to_months to_seconds to_timestamp to_weeks to_years try_strptime week weekday weekofyear
year yearweek
"""

_OTHERS = """
array_length array_to_string cardinality cast coalesce element_at flatten generate_series if ifnull
len list_aggregate list_avg list_concat list_contains list_count list_distinct list_extract list_has
list_has_all list_has_any list_max list_min list_position list_reverse list_slice list_sort list_sum
list_unique list_value list_zip map map_contains map_entries map_extract map_keys map_values nullif
range row struct_extract struct_pack try_cast typeof unnest
"""

#: Every function name that SQL may hold, in lower case.
FUNCTIONS: frozenset[str] = (
    frozenset(" ".join((_AGGREGATES, _WINDOWS, _NUMBERS, _TEXTS, _TIMES, _OTHERS)).split())
    | ADDRESS_FUNCTIONS
    | TIME_FUNCTIONS
)

#: Functions that may stand in FROM.
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})

#: Words that may stand before a bracket and call nothing; types with a size among them.
_SYNTAX = """
    all and any anti array as asc between bit bpchar by case char character cross cube decimal dec
    desc distinct else end except exclude exists fetch filter float following from full group
    having ilike in inner intersect interval is join left like limit list materialized not numeric
    offset on or order outer over partition preceding qualify rename replace right rollup select
    semi sets similar some struct text then timestamp time to union using values varchar when where
    window with within
    """
SYNTAX_WORDS: frozenset[str] = frozenset(_SYNTAX.split())

#: What to use in place of what many reach for.
HINTS: dict[str, str] = {
    "read_csv": "vpcflow ingest takes files into flow_records",
    "read_parquet": "vpcflow ingest takes files into flow_records",
    "read_json": "vpcflow ingest takes files into flow_records",
    "current_timestamp": "write now() or now_s()",
    "get_current_timestamp": "write now() or now_s()",
    "cidr_match": "write in_network(srcaddr, '10.0.0.0/8')",
    "host": "srcaddr is text already",
}
