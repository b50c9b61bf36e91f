//! Batches and their rows. A row is a job through the same door as any other, or an error; either way it is there once.

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{
    Sqlite, accept,
    jobs::rows,
    row::{self, Id},
};
use crate::store::{
    Accepted, Answer, At, Batch, BatchRow, Batches, Digest, Forgotten, JobId, NewBatch, NewRow, Place, Progress,
    RowAsk, RowFate, RowPage, RowVerdict, Rows, RowsAsk, Sealed, State, StoreError, Was, With, job::ACCEPT_MAX,
};

/// Most rows on one page.
const ROWS_MAX: usize = ACCEPT_MAX;

impl Batches for Sqlite {
    fn batch_create(&self, now: At, batch: NewBatch) -> Answer<'_, ()> {
        self.write(move |tx| {
            tx.db
                .prepare_cached(
                    "INSERT INTO batch (id, platform, link, operation, named, meta, request_id, created)
                        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    Id(batch.id),
                    &*batch.platform,
                    &*batch.link,
                    batch.operation,
                    batch.named,
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
            let into = find(tx.db, batch)?;
            rows.into_iter().map(|row| add(tx.db, now, batch, into, row)).collect()
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

    fn batches_close_unnamed(&self, now: At) -> Answer<'_, usize> {
        self.write(move |tx| {
            Ok(tx
                .db
                .prepare_cached(
                    "UPDATE batch INDEXED BY batch_open SET closed = ?1 WHERE closed IS NULL AND NOT named",
                )?
                .execute([now])?)
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

    fn batch_rows(&self, batch: Uuid, ask: RowsAsk) -> Answer<'_, RowPage> {
        self.read(move |db| page(db, batch, ask))
    }

    fn batch_forget(&self, batch: Uuid) -> Answer<'_, Forgotten> {
        self.write(move |tx| forget(tx.db, batch))
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
            named: found.get("named")?,
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

fn add(
    db: &Connection,
    now: At,
    batch: Uuid,
    (seq, closed): (i64, bool),
    given: NewRow,
) -> Result<RowVerdict, StoreError> {
    if let Some((was, body)) = earlier(db, seq, given.row)? {
        return Ok(RowVerdict::Already { was, same: body == given.body });
    }
    if closed {
        return Ok(RowVerdict::Late);
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO batch_row (batch, row, body, job, conflict, col, error, until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    match given.ask {
        RowAsk::Job(job) => {
            let (accepted, job) = accept::one(db, now, *job, Some(Place { batch, row: given.row }))?;
            let conflict = matches!(accepted, Accepted::Conflict(_));
            insert.execute(params![
                seq,
                given.row,
                given.body,
                job,
                conflict,
                None::<String>,
                None::<Sealed>,
                None::<At>
            ])?;
            Ok(RowVerdict::Job(accepted))
        }
        RowAsk::Refused { column, error, until } => {
            insert.execute(params![seq, given.row, given.body, None::<i64>, false, column, error, until])?;
            Ok(RowVerdict::Refused)
        }
    }
}

/// The row of this number, if it has come.
fn earlier(db: &Connection, batch: i64, row: u32) -> Result<Option<(Was, Digest)>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT job.id, batch_row.conflict, batch_row.body FROM batch_row LEFT JOIN job ON job.seq = batch_row.job
            WHERE batch_row.batch = ?1 AND batch_row.row = ?2",
    )?;
    let read = |found: &rusqlite::Row<'_>| {
        let was = match (found.get::<_, Option<JobId>>(0)?, found.get(1)?) {
            (None, _) => Was::Refused,
            (Some(job), true) => Was::Conflict(job),
            (Some(job), false) => Was::Job(job),
        };
        Ok((was, found.get(2)?))
    };
    Ok(query.query_row(params![batch, row], read).optional()?)
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

fn page(db: &Connection, batch: Uuid, ask: RowsAsk) -> Result<RowPage, StoreError> {
    let (seq, _) = find(db, batch)?;
    let mut query = db.prepare_cached(
        "SELECT batch_row.row, batch_row.conflict, batch_row.col, batch_row.error,
                job.id, job.state, job.class, job.outcome, job.code, job.message,
                CASE WHEN batch_row.conflict THEN NULL
                    WHEN ?4 THEN (SELECT sealed FROM payload WHERE payload.job = batch_row.job)
                    ELSE (SELECT sealed FROM result WHERE result.job = batch_row.job) END AS kept
            FROM batch_row LEFT JOIN job ON job.seq = batch_row.job
            WHERE batch_row.batch = ?1 AND batch_row.row > ?2 AND (?3 OR batch_row.job IS NULL OR batch_row.conflict
                OR job.state IN ('failed', 'parked', 'unknown'))
            ORDER BY batch_row.row",
    )?;
    let after = ask.after.map_or(-1, i64::from);
    let mut found = query.query(params![seq, after, ask.which == Rows::All, ask.with == With::Payload])?;
    let (rows_max, mut bytes) = (ask.rows_max.clamp(1, ROWS_MAX), 0_usize);
    let mut page = RowPage { rows: Vec::new(), more: false };
    while let Some(row) = found.next()? {
        // Rows are read as they are asked for: of those behind the page none is.
        if page.rows.len() >= rows_max || bytes > ask.bytes_max {
            page.more = true;
            break;
        }
        let row = read_row(row)?;
        bytes = bytes.saturating_add(sealed_bytes(&row));
        page.rows.push(row);
    }
    Ok(page)
}

fn read_row(found: &rusqlite::Row<'_>) -> rusqlite::Result<BatchRow> {
    let fate = match (found.get("id")?, found.get("conflict")?) {
        (None, _) => RowFate::Refused { column: found.get("col")?, error: found.get("error")? },
        (Some(job), true) => RowFate::Conflict(job),
        (Some(id), false) => RowFate::Job { id, state: found.get("state")?, last: row::report(found)? },
    };
    Ok(BatchRow { row: found.get("row")?, fate, kept: found.get("kept")? })
}

fn sealed_bytes(row: &BatchRow) -> usize {
    let len = |sealed: &Option<Sealed>| sealed.as_ref().map_or(0, |sealed| sealed.0.len());
    let error = if let RowFate::Refused { error, .. } = &row.fate { len(error) } else { 0 };
    error.saturating_add(len(&row.kept))
}

fn forget(db: &Connection, batch: Uuid) -> Result<Forgotten, StoreError> {
    let (seq, _) = find(db, batch)?;
    let rows = db
        .prepare_cached("UPDATE batch_row SET error = NULL, until = NULL WHERE batch = ?1 AND until IS NOT NULL")?
        .execute([seq])?;
    // Of its own jobs: one that was there before belongs to whoever sent it.
    let payloads = db
        .prepare_cached(
            "DELETE FROM payload WHERE job IN (SELECT seq FROM job INDEXED BY job_batch
                WHERE batch = ?1 AND state IN ('done', 'failed', 'superseded', 'cancelled'))",
        )?
        .execute([Id(batch)])?;
    Ok(Forgotten { rows, payloads })
}
