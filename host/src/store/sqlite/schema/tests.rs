//! Migrations.

use super::*;

fn version(connection: &Connection) -> i64 {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_older_file_is_brought_up_step_by_step_and_keeps_its_rows() {
    let mut connection = Connection::open_in_memory().unwrap();
    let first = "CREATE TABLE a (x INTEGER)";
    migrate(&mut connection, &[first]).unwrap();
    connection.execute("INSERT INTO a VALUES (7)", []).unwrap();
    let steps = [first, "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1", "UPDATE a SET y = x"];
    migrate(&mut connection, &steps).unwrap();
    assert_eq!(version(&connection), 3);
    let row: (i64, i64) = connection.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(row, (7, 7));
    migrate(&mut connection, &steps).unwrap();
    assert_eq!(version(&connection), 3);
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let mut connection = Connection::open_in_memory().unwrap();
    let steps = ["CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER)"];
    assert!(migrate(&mut connection, &steps).is_err());
    assert_eq!(version(&connection), 1);
    assert!(!connection.table_exists(None, "b").unwrap());
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    connection.execute_batch("PRAGMA user_version=99").unwrap();
    let known = i64::try_from(MIGRATIONS.len()).unwrap();
    assert_eq!(migrate(&mut connection, &MIGRATIONS), Err(StoreError::Newer { found: 99, known }));
    assert_eq!(version(&connection), 99);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_eq!(migrate(&mut connection, &MIGRATIONS), Err(StoreError::Foreign));
    assert_eq!(version(&connection), 0);
}
