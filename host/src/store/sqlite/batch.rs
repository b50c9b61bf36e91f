//! Batches and their rows. A row is a job through the same door as any other, or an error; either way it is there once.

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{
    Sqlite, accept,
    jobs::rows,
    row::{self, Id},
};
use crate::store::{
    Accepted, Answer, At, Batch, BatchRow, Batches, NewBatch, NewRow, Place, Progress, RowAsk, RowFate, RowVerdict,
    Rows, State, StoreError, job::ACCEPT_MAX,
};

/// Most rows on one page.
const ROWS_MAX: usize = ACCEPT_MAX;

impl Batches for Sqlite {
    fn batch_create(&self, now: At, batch: NewBatch) -> Answer<'_, ()> {
        self.write(move |tx| {
            tx.db
                .prepare_cached(
                    "INSERT INTO batch (id, platform, link, operation, meta, request_id, created)
                        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    Id(batch.id),
                    &*batch.platform,
                    &*batch.link,
                    batch.operation,
                    batch.meta,
                    batch.request_id,
                    now
                ])?;
            Ok(())
        })
    }

    fn batch_add(&self, now: At, batch: Uuid, rows: Vec<NewRow>) -> Answer<'_, Vec<RowVerdict>> {
        self.write(move |tx| {
            accept::bounded(rows.len())?;
            let (seq, closed) = find(tx.db, batch)?;
            if closed {
                return Err(StoreError::Constraint("the batch is closed".into()));
            }
            rows.into_iter().map(|row| add(tx.db, now, batch, seq, row)).collect()
        })
    }

    fn batch_close(&self, now: At, batch: Uuid) -> Answer<'_, ()> {
        self.write(move |tx| {
            let (seq, _) = find(tx.db, batch)?;
            tx.db
                .prepare_cached("UPDATE batch SET closed = ?2 WHERE seq = ?1 AND closed IS NULL")?
                .execute(params![seq, now])?;
            Ok(())
        })
    }

    fn batch(&self, batch: Uuid) -> Answer<'_, Option<Batch>> {
        self.read(move |db| {
            Ok(db.prepare_cached("SELECT * FROM batch WHERE id = ?1")?.query_row([Id(batch)], read).optional()?)
        })
    }

    fn batches_open(&self, batches_max: usize) -> Answer<'_, Vec<Batch>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT * FROM batch INDEXED BY batch_open WHERE closed IS NULL ORDER BY seq LIMIT ?1",
            )?;
            Ok(query.query_map([rows(batches_max)], read)?.collect::<Result<_, _>>()?)
        })
    }

    fn batch_progress(&self, batch: Uuid) -> Answer<'_, Progress> {
        self.read(move |db| progress(db, batch))
    }

    fn batch_rows(&self, batch: Uuid, which: Rows, after: Option<u32>, rows_max: usize) -> Answer<'_, Vec<BatchRow>> {
        self.read(move |db| page(db, batch, which, after, rows_max.min(ROWS_MAX)))
    }
}

fn read(found: &rusqlite::Row<'_>) -> rusqlite::Result<Batch> {
    let Id(id) = found.get("id")?;
    Ok(Batch {
        given: NewBatch {
            id,
            platform: row::platform(found, "platform")?,
            link: row::link(found, "link")?,
            operation: found.get("operation")?,
            meta: found.get("meta")?,
            request_id: found.get("request_id")?,
        },
        created: found.get("created")?,
        closed: found.get("closed")?,
    })
}

/// The batch's number, and whether all its rows have come.
fn find(db: &Connection, batch: Uuid) -> Result<(i64, bool), StoreError> {
    let mut query = db.prepare_cached("SELECT seq, closed IS NOT NULL FROM batch WHERE id = ?1")?;
    query.query_row([Id(batch)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?.ok_or(StoreError::NotFound)
}

fn add(db: &Connection, now: At, batch: Uuid, seq: i64, given: NewRow) -> Result<RowVerdict, StoreError> {
    let there =
        db.prepare_cached("SELECT 1 FROM batch_row WHERE batch = ?1 AND row = ?2")?.exists(params![seq, given.row])?;
    if there {
        return Ok(RowVerdict::Already);
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO batch_row (batch, row, job, conflict, col, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    match given.ask {
        RowAsk::Job(job) => {
            let (accepted, job) = accept::one(db, now, *job, Some(Place { batch, row: given.row }))?;
            let conflict = matches!(accepted, Accepted::Conflict(_));
            insert.execute(params![seq, given.row, job, conflict, None::<String>, None::<Vec<u8>>])?;
            Ok(RowVerdict::Job(accepted))
        }
        RowAsk::Refused { column, error } => {
            insert.execute(params![seq, given.row, None::<i64>, false, column, error])?;
            Ok(RowVerdict::Refused)
        }
    }
}

fn progress(db: &Connection, batch: Uuid) -> Result<Progress, StoreError> {
    let (seq, _) = find(db, batch)?;
    let mut query = db.prepare_cached(
        "SELECT job.state, batch_row.conflict, count(*) FROM batch_row LEFT JOIN job ON job.seq = batch_row.job
            WHERE batch_row.batch = ?1 GROUP BY job.state, batch_row.conflict",
    )?;
    let mut progress = Progress::default();
    let mut found = query.query([seq])?;
    while let Some(row) = found.next()? {
        let (state, conflict): (Option<State>, bool) = (row.get(0)?, row.get(1)?);
        let count = row.get::<_, i64>(2)?.unsigned_abs();
        progress.rows = progress.rows.saturating_add(count);
        match state {
            None => progress.refused = progress.refused.saturating_add(count),
            Some(_) if conflict => progress.conflicts = progress.conflicts.saturating_add(count),
            Some(state) => progress.jobs.push((state, count)),
        }
    }
    progress.jobs.sort_unstable();
    Ok(progress)
}

fn page(
    db: &Connection,
    batch: Uuid,
    which: Rows,
    after: Option<u32>,
    rows_max: usize,
) -> Result<Vec<BatchRow>, StoreError> {
    let (seq, _) = find(db, batch)?;
    let mut query = db.prepare_cached(
        "SELECT batch_row.row, batch_row.conflict, batch_row.col, batch_row.error, job.id, job.state
            FROM batch_row LEFT JOIN job ON job.seq = batch_row.job
            WHERE batch_row.batch = ?1 AND batch_row.row > ?2 AND (?3 OR batch_row.job IS NULL OR batch_row.conflict
                OR job.state IN ('failed', 'parked', 'unknown'))
            ORDER BY batch_row.row LIMIT ?4",
    )?;
    let read = |found: &rusqlite::Row<'_>| {
        let fate = match (found.get("error")?, found.get("conflict")?) {
            (Some(error), _) => RowFate::Refused { column: found.get("col")?, error },
            (None, true) => RowFate::Conflict(found.get("id")?),
            (None, false) => RowFate::Job(found.get("id")?, found.get("state")?),
        };
        Ok(BatchRow { row: found.get("row")?, fate })
    };
    let after = after.map_or(-1, i64::from);
    Ok(query.query_map(params![seq, after, which == Rows::All, rows(rows_max)], read)?.collect::<Result<_, _>>()?)
}
