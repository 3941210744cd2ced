//! What this server supports of Flight SQL, and the types of its columns.

use std::sync::LazyLock;

use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    Nullable, Searchable, SqlInfo, SqlNullOrdering, SqlSupportedCaseSensitivity, SqlSupportedTransaction, XdbcDataType,
    XdbcDatetimeSubcode,
};

use crate::tables::MAX_QUERY;

/// The answers to `GetSqlInfo`.
pub(super) static SQL_INFO: LazyLock<SqlInfoData> = LazyLock::new(|| {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "rutter");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, "1.5");
    for (name, is_supported) in [
        (SqlInfo::FlightSqlServerReadOnly, true),
        (SqlInfo::FlightSqlServerSql, true),
        (SqlInfo::FlightSqlServerSubstrait, false),
        (SqlInfo::FlightSqlServerCancel, false),
        (SqlInfo::FlightSqlServerBulkIngestion, false),
        (SqlInfo::FlightSqlServerIngestTransactionsSupported, false),
        (SqlInfo::SqlDdlCatalog, false),
        (SqlInfo::SqlDdlSchema, false),
        (SqlInfo::SqlDdlTable, false),
        (SqlInfo::SqlAllTablesAreSelectable, true),
        (SqlInfo::SqlSupportsColumnAliasing, true),
        (SqlInfo::SqlNullPlusNullIsNull, true),
        (SqlInfo::SqlSupportsTableCorrelationNames, true),
        (SqlInfo::SqlSupportsExpressionsInOrderBy, true),
        (SqlInfo::SqlSupportsOrderByUnrelated, true),
        (SqlInfo::SqlSupportsLikeEscapeClause, true),
        (SqlInfo::SqlCatalogAtStart, true),
        (SqlInfo::SqlSelectForUpdateSupported, false),
        (SqlInfo::SqlStoredProceduresSupported, false),
        (SqlInfo::SqlCorrelatedSubqueriesSupported, true),
        (SqlInfo::SqlTransactionsSupported, false),
        (SqlInfo::SqlBatchUpdatesSupported, false),
        (SqlInfo::SqlSavepointsSupported, false),
        (SqlInfo::SqlNamedParametersSupported, true),
    ] {
        info.append(name, is_supported);
    }
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    info.append(SqlInfo::FlightSqlServerStatementTimeout, 0);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0);
    info.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i64);
    info.append(SqlInfo::SqlQuotedIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i64);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i64);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlSchemaTerm, "dataset");
    info.append(SqlInfo::SqlCatalogTerm, "server");
    info.append(SqlInfo::SqlMaxStatementLength, i64::try_from(MAX_QUERY).unwrap_or(i64::MAX));
    info.build().expect("the values have the types of the specification")
});

/// The answers to `GetXdbcTypeInfo`.
pub(super) static TYPES: LazyLock<XdbcTypeInfoData> = LazyLock::new(|| {
    let mut types = XdbcTypeInfoDataBuilder::new();
    // The specification has two names for the subcode of dates, of which the library has that of years.
    for (name, kind, size, quote, subcode) in [
        ("BOOLEAN", XdbcDataType::XdbcBit, 1, None, None),
        ("INTEGER", XdbcDataType::XdbcInteger, 10, None, None),
        ("BIGINT", XdbcDataType::XdbcBigint, 19, None, None),
        ("DOUBLE", XdbcDataType::XdbcDouble, 15, None, None),
        ("VARCHAR", XdbcDataType::XdbcVarchar, i32::MAX, Some("'"), None),
        ("DATE", XdbcDataType::XdbcDate, 10, Some("'"), Some(XdbcDatetimeSubcode::XdbcSubcodeYear)),
        ("TIME", XdbcDataType::XdbcTime, 15, Some("'"), Some(XdbcDatetimeSubcode::XdbcSubcodeTime)),
        ("TIMESTAMP", XdbcDataType::XdbcTimestamp, 26, Some("'"), Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp)),
    ] {
        types.append(XdbcTypeInfo {
            type_name: name.to_owned(),
            data_type: kind,
            column_size: Some(size),
            literal_prefix: quote.map(ToOwned::to_owned),
            literal_suffix: quote.map(ToOwned::to_owned),
            nullable: Nullable::NullabilityNullable,
            case_sensitive: name == "VARCHAR",
            searchable: Searchable::Full,
            sql_data_type: kind,
            datetime_subcode: subcode,
            ..XdbcTypeInfo::default()
        });
    }
    types.build().expect("the values have the types of the specification")
});
