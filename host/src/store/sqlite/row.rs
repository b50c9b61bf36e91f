//! Rows ↔ types. What a row says that no type allows is an error of that row.

use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use crate::{
    failure::{CODE_MAX, Class, MESSAGE_MAX, Outcome, cut},
    id::{ConnectorName, LinkId, PlatformName},
    store::{At, Digest, Job, JobId, Place, Repeat, Report, Sealed, Stage, State},
};

/// The columns that [`job`] reads, of a table or alias `job`.
pub(super) const JOB: &str = "job.seq, job.id, job.link, job.connector, job.operation, job.platform, job.key, job.safe, \
    job.body, job.state, job.blocked, job.attempts, job.tries, job.doubt, job.next_at, job.lease_until, job.parks_at, \
    job.class, job.outcome, job.code, job.message, job.superseded_by, job.accepted, job.updated, job.finished, job.batch, \
    job.row, job.callback, job.request_id";

/// Outcomes by name.
const OUTCOMES: [Outcome; 4] = [Outcome::NotSent, Outcome::Rejected, Outcome::Unknown, Outcome::Done];

/// A job, from [`JOB`].
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let attempts = row.get("attempts")?;
    let stage = match row.get("state")? {
        State::Queued => Stage::Queued { due: row.get("next_at")?, behind: row.get("blocked")? },
        State::Sending => Stage::Sending { n: attempts, until: row.get("lease_until")? },
        State::Done => Stage::Done,
        State::Failed => Stage::Failed,
        State::Parked => Stage::Parked,
        State::Unknown => Stage::Unknown,
        State::Superseded => Stage::Superseded { by: row.get("superseded_by")? },
        State::Cancelled => Stage::Cancelled,
    };
    let place = match (row.get::<_, Option<Id>>("batch")?, row.get("row")?) {
        (Some(Id(batch)), Some(row)) => Some(Place { batch, row }),
        _ => None,
    };
    Ok(Job {
        id: row.get("id")?,
        seq: row.get("seq")?,
        link: link(row, "link")?,
        connector: parsed::<ConnectorName>(row, "connector")?,
        operation: row.get("operation")?,
        platform: platform(row, "platform")?,
        key: row.get("key")?,
        repeat: if row.get("safe")? { Repeat::Safe } else { Repeat::Unsafe },
        body: row.get("body")?,
        stage,
        attempts,
        tries: row.get("tries")?,
        doubt: row.get("doubt")?,
        parks_at: row.get("parks_at")?,
        last: report(row)?,
        accepted: row.get("accepted")?,
        updated: row.get("updated")?,
        finished: row.get("finished")?,
        place,
        callback: row.get("callback")?,
        request_id: row.get("request_id")?,
    })
}

/// A report, from the columns `class`, `outcome`, `code`, `message`; none without an outcome.
pub(super) fn report(row: &Row<'_>) -> rusqlite::Result<Option<Report>> {
    let Some(Named(outcome)) = row.get::<_, Option<Named<Outcome>>>("outcome")? else { return Ok(None) };
    let class = row.get::<_, Option<Named<Class>>>("class")?.map(|Named(class)| class);
    Ok(Some(Report { class, outcome, upstream_code: row.get("code")?, message: row.get("message")? }))
}

/// A link's id.
pub(super) fn link(row: &Row<'_>, column: &str) -> rusqlite::Result<LinkId> {
    parsed(row, column)
}

/// A platform's name.
pub(super) fn platform(row: &Row<'_>, column: &str) -> rusqlite::Result<PlatformName> {
    parsed(row, column)
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Bounds a report before it is written.
pub(super) fn bounded(mut report: Report) -> Report {
    report.message.iter_mut().for_each(|message| cut(message, MESSAGE_MAX));
    report.upstream_code.iter_mut().for_each(|code| cut(code, CODE_MAX));
    report
}

/// A UUID as a column.
#[derive(Clone, Copy)]
pub(super) struct Id(pub(super) Uuid);

/// Something that is stored by its name.
struct Named<T>(T);

impl FromSql for Named<Class> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        named(value, &Class::ALL, |class| class.as_str()).map(Self)
    }
}

impl FromSql for Named<Outcome> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        named(value, &OUTCOMES, |outcome| outcome.as_str()).map(Self)
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        named(value, &Self::ALL, |state| state.as_str())
    }
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

fn named<T: Copy>(value: ValueRef<'_>, all: &[T], name: impl Fn(T) -> &'static str) -> FromSqlResult<T> {
    let text = value.as_str()?;
    all.iter().copied().find(|one| name(*one) == text).ok_or(FromSqlError::InvalidType)
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::from_slice(value.as_blob()?).map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for JobId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Id::column_result(value).map(|Id(id)| Self(id))
    }
}

impl ToSql for JobId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for Digest {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_blob()?.try_into().map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Digest {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_slice().into())
    }
}

impl FromSql for Sealed {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_blob()?.to_vec().into()))
    }
}

impl ToSql for Sealed {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_ref().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_and_outcome_is_read_back_from_its_name() {
        for class in Class::ALL {
            let value = ValueRef::Text(class.as_str().as_bytes());
            assert_eq!(Named::<Class>::column_result(value).unwrap().0, class);
        }
        for outcome in OUTCOMES {
            let value = ValueRef::Text(outcome.as_str().as_bytes());
            assert_eq!(Named::<Outcome>::column_result(value).unwrap().0, outcome);
        }
        // One more class in the contract must be one more here.
        let wit = include_str!("../../../../wit/connector.wit");
        let classes = wit.split("enum failure-class").nth(1).unwrap().split('}').next().unwrap();
        let named = classes.lines().filter(|line| line.trim_end().ends_with(',')).count();
        assert_eq!(named, Class::ALL.len());
    }
}
