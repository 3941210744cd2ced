// Words of SQL that the editor completes and highlights: those of queries, and the most used functions.

export const KEYWORDS = (
	'select from where group by having order limit offset with recursive as on using and or not in is null like ilike between exists ' +
	'case when then else end distinct all union intersect except join inner left right full outer cross natural lateral values over ' +
	'partition rows range unbounded preceding following current row filter within asc desc nulls first last qualify cast try_cast ' +
	'extract interval true false explain describe similar to escape any some'
).split(' ');

export const TYPES = 'boolean smallint int integer bigint real float double decimal numeric varchar char text date time timestamp interval'.split(' ');

export const FUNCTIONS = (
	'count sum avg min max median stddev var_pop approx_distinct approx_percentile_cont array_agg string_agg first_value last_value ' +
	'nth_value row_number rank dense_rank ntile lag lead percent_rank cume_dist corr covar_pop bool_and bool_or abs ceil floor round ' +
	'trunc sqrt power exp ln log10 sign greatest least coalesce nullif nvl concat concat_ws lower upper trim ltrim rtrim btrim ' +
	'length substr strpos replace split_part starts_with ends_with regexp_like regexp_match regexp_replace lpad rpad reverse left right ' +
	'to_char to_date to_timestamp date_trunc date_part date_bin make_date now current_date unnest array_length cardinality ' +
	'array_contains row_diff'
).split(' ');

/** Functions that are written without parentheses. */
export const BARE = new Set(['current_date', 'current_time', 'current_timestamp']);
