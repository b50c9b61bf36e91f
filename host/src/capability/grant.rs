//! What a link may use: its config, its secrets by slot, the origins it may reach, its key-value space. Made once when
//! the link is bound, shared by every call, dropped when the link changes. The only place that holds secrets.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    http::{
        client::Client,
        policy::{Egress, Origin},
    },
    kv::space::Space,
};
use crate::{
    id::LinkId,
    runtime::manifest::SecretUse,
    secret::{Masker, Secret, Uses},
};
