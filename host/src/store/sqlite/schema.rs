//! The tables, and how an older file gets them. Every version is one transaction; a file of a later version or of another
//! program is left as it is.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// What makes a database ours: "duij".
pub(super) const APPLICATION: i64 = 0x6475_696a;

/// Version n is what the first n of these have made. What has been released is never edited.
pub(super) const MIGRATIONS: [&str; 1] = [include_str!("schema/0001.sql")];

/// Brings a file up to the last version.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let number = |connection: &Connection, name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
    };
    let found = number(connection, "user_version")?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && number(connection, "application_id")? != APPLICATION {
        return Err(StoreError::Foreign);
    }
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, sql) in (1..).zip(migrations).filter(|(version, _)| *version > found) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        tx.execute_batch(sql)?;
        tx.execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={version};"))?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
