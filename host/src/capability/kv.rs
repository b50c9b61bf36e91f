//! Small values of one link, kept between calls and over restarts. They live outside every revision; a guest sees its own
//! link's space and nothing else, and its locks end with its call.

pub(crate) mod space;

use std::{sync::Arc, time::Duration};

use wasmtime::component::Resource;

use self::space::{KvError, Lock, Space};
use super::{Context, Phase, forbidden};
use crate::bindings::duijie::kv::store::{self, Error};

/// A lock that a guest holds; freed when dropped.
#[expect(unreachable_pub, reason = "generated code re-exports it")]
pub struct HeldLock(#[expect(dead_code, reason = "held for its drop")] Lock);

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Context {
    fn space(&mut self) -> wasmtime::Result<Arc<Space>> {
        self.enter("kv.store", Phase::Serve)?;
        let reach = self.grant.reach.as_ref();
        reach.map(|reach| reach.space.clone()).ok_or_else(|| forbidden("there is no link".into()))
    }
}

impl store::Host for Context {
    async fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.space()?.get(&key).await.map_err(error))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Answer<()> {
        Ok(self.space()?.set(&key, &value, ttl(ttl_ms)).await.map_err(error))
    }

    async fn delete(&mut self, key: String) -> Answer<()> {
        Ok(self.space()?.delete(&key).await.map_err(error))
    }

    async fn take(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.space()?.take(&key).await.map_err(error))
    }

    async fn add(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Answer<bool> {
        Ok(self.space()?.add(&key, &value, ttl(ttl_ms)).await.map_err(error))
    }

    async fn increment(&mut self, key: String, by: i64, ttl_ms: Option<u64>) -> Answer<i64> {
        Ok(self.space()?.increment(&key, by, ttl(ttl_ms)).await.map_err(error))
    }

    async fn acquire(&mut self, name: String, hold_ms: u32) -> Answer<Resource<HeldLock>> {
        let space = self.space()?;
        let hold = Duration::from_millis(hold_ms.into());
        // The call's own deadline ends the waiting; this only keeps a lock from being taken for a call that is over.
        let waited = tokio::time::timeout(self.left(), space.acquire(&name, hold)).await;
        Ok(match waited {
            Ok(Ok(lock)) => self.locks.push(HeldLock(lock)).map_err(|_| Error::Quota("too many locks are held".into())),
            Ok(Err(failed)) => Err(error(failed)),
            Err(_) => Err(Error::Unavailable("the lock did not come free within the deadline".into())),
        })
    }
}

impl store::HostLock for Context {
    async fn drop(&mut self, lock: Resource<HeldLock>) -> wasmtime::Result<()> {
        self.locks.delete(lock)?;
        Ok(())
    }
}

fn ttl(ms: Option<u64>) -> Option<Duration> {
    ms.map(Duration::from_millis)
}

fn error(error: KvError) -> Error {
    let text = error.to_string();
    match error {
        KvError::KeyLength(_) | KvError::ValueLength(_) => Error::TooLarge(text),
        KvError::QuotaKeys(_) | KvError::QuotaBytes(_) => Error::Quota(text),
        KvError::Unavailable(_) => Error::Unavailable(text),
        KvError::NotANumber => Error::NotANumber,
    }
}
