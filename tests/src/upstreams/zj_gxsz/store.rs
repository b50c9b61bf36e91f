//! The records received: the last version of each, byte for byte, and the digests of all. In memory only.
//! Bounds: one million records.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::ledger::key_hash;
use super::{Endpoint, Refusal, codes};

const RECORDS_MAX: usize = 1_000_000;

/// One record as last accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Who pushed it.
    pub client_id: String,
    /// Where to.
    pub endpoint: Endpoint,
    /// The decrypted record, exactly as it was encrypted.
    pub plaintext: Bytes,
    /// SHA-256 of every version, in the order accepted; the last is the digest of `plaintext`.
    pub versions: Vec<[u8; 32]>,
}

/// One record without its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who pushed it.
    pub client_id: String,
    /// The overwrite key.
    pub record_id: String,
    /// Where to.
    pub endpoint: Endpoint,
    /// How often it was accepted.
    pub versions: usize,
    /// SHA-256 of the last version, in hexadecimal.
    pub sha256: String,
}

/// Records by client and id: two colleges may use the same ids.
#[derive(Debug, Default)]
pub(super) struct Store {
    records: Mutex<BTreeMap<String, BTreeMap<String, Stored>>>,
}

impl Store {
    /// Stores a version; the hash of the key for the journal, and the number of the version, from 1.
    pub(super) fn put(
        &self,
        client_id: &str,
        record_id: &str,
        endpoint: Endpoint,
        plaintext: Vec<u8>,
    ) -> Result<(String, u64), Refusal> {
        let mut records = self.records.lock();
        let count: usize = records.values().map(BTreeMap::len).sum();
        let of_client = records.entry(client_id.to_owned()).or_default();
        if count >= RECORDS_MAX && !of_client.contains_key(record_id) {
            return Err(Refusal::new(codes::STORE_FULL, "模拟器存储已满"));
        }
        let digest: [u8; 32] = Sha256::digest(&plaintext).into();
        let stored = of_client.entry(record_id.to_owned()).or_insert_with(|| Stored {
            client_id: client_id.to_owned(),
            endpoint,
            plaintext: Bytes::new(),
            versions: Vec::new(),
        });
        stored.endpoint = endpoint;
        stored.plaintext = plaintext.into();
        stored.versions.push(digest);
        Ok((key_hash(record_id), stored.versions.len() as u64))
    }

    pub(super) fn get(&self, client_id: Option<&str>, record_id: &str) -> Option<Stored> {
        let records = self.records.lock();
        match client_id {
            Some(client_id) => records.get(client_id)?.get(record_id).cloned(),
            None => records.values().find_map(|of_client| of_client.get(record_id)).cloned(),
        }
    }

    pub(super) fn list(&self) -> Vec<Summary> {
        let records = self.records.lock();
        let all = records.values().flat_map(BTreeMap::iter);
        all.map(|(record_id, stored)| Summary {
            client_id: stored.client_id.clone(),
            record_id: record_id.clone(),
            endpoint: stored.endpoint,
            versions: stored.versions.len(),
            sha256: stored.versions.last().map(hex::encode).unwrap_or_default(),
        })
        .collect()
    }

    /// The digests of every version, by client and id, in hexadecimal and in the order accepted.
    pub(super) fn versions(&self) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
        let digests = |stored: &Stored| stored.versions.iter().map(hex::encode).collect();
        let of_client = |records: &BTreeMap<String, Stored>| {
            records.iter().map(|(record_id, stored)| (record_id.clone(), digests(stored))).collect()
        };
        self.records.lock().iter().map(|(client_id, records)| (client_id.clone(), of_client(records))).collect()
    }

    pub(super) fn clear(&self) {
        self.records.lock().clear();
    }
}
