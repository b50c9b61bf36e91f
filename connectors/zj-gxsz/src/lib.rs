//! Talk records for the Zhejiang provincial student-affairs platform (浙江省教育厅智慧思政平台): one record a call, mapped
//! by the link's config, encrypted with SM4 at the moment of sending, and pushed with an OAuth2 token. It never keeps a
//! record, clear or encrypted, and never writes one into a log or a message.
//!
//! The way in: [`push`] is the call from top to bottom; `sim` is the built-in mapping of the platform's
//! record to the upstream's;
//! [`envelope`] wraps the ciphertext; [`token`] gets the token; [`memory`] knows what was
//! accepted before; [`config`] is what a link may say.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")
)]

pub mod config;
pub mod envelope;
pub mod memory;
pub mod model;
pub mod push;
mod sim;
pub mod token;

use duijie_sdk::{About, Connector, Failure, Link, Operations, Problem, Slot, Use};

use config::Config;
use model::{Accepted, CheckInput, Checked, Endpoint, Record};

/// The slot of the one secret: what the token is asked with, and the key of SM4.
pub const CLIENT_SECRET: &str = "client_secret";

/// What a pushed record may say of a person, by the names of the simulator profile.
const PERSONAL: [&str; 10] = [
    "/content",
    "/attention",
    "/talkTopic",
    "/teacherNo",
    "/teacherName",
    "/students/*/studentNo",
    "/students/*/studentName",
    "/parentName",
    "/parentRelation",
    "/parentPhone",
];

/// Total time of one push, token included.
const DEADLINE_MS: u32 = 10_000;

/// The connector.
pub struct ZjGxsz;

impl Connector for ZjGxsz {
    const NAME: &'static str = "zj-gxsz";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn about() -> About {
        let secret = Slot::new(
            CLIENT_SECRET,
            "The client_secret as issued: the OAuth2 secret and, decoded, the 16-byte SM4 key.",
            "平台下发的 client_secret 原文:既是 OAuth2 密钥,解码后又是 16 字节的 SM4 密钥。",
            [Use::Send, Use::Sm4],
        );
        About::new(
            "Pushes counsellors' talk records to the provincial platform, one a call; pushing a record again overwrites it.",
            "向省智慧思政平台逐条报送谈心谈话记录;同一记录再次报送即覆盖。",
        )
        .secret(secret)
        .origin(config::BASE_URL)
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("record.push-one", push_one)
            .summary("Pushes the record of a talk with one student.", "报送一对一谈心谈话记录。")
            .write()
            .repeat_safe()
            .key("/recordId")
            .personal(PERSONAL)
            .deadline_ms(DEADLINE_MS)
            .input_schema(model::record_schema);
        ops.add("record.push-multi", push_multi)
            .summary("Pushes the record of a talk with several students.", "报送一对多谈心谈话记录。")
            .write()
            .repeat_safe()
            .key("/recordId")
            .personal(PERSONAL)
            .deadline_ms(DEADLINE_MS)
            .input_schema(model::record_schema);
        ops.add("record.push-patriarch", push_patriarch)
            .summary("Pushes the record of a contact with a parent.", "报送家校联系记录。")
            .write()
            .repeat_safe()
            .key("/recordId")
            .personal(PERSONAL)
            .deadline_ms(DEADLINE_MS)
            .input_schema(model::record_schema);
        ops.add("record.check", check_record)
            .summary(
                "Maps, validates and encrypts a record as a push would, and sends nothing.",
                "按报送流程映射、校验并加密一条记录,但不发送。",
            )
            .read()
            .repeat_safe()
            .personal(["/record/*"]);
    }

    fn check(link: &Link<Config>) -> Vec<Problem> {
        config::problems(link.config())
    }
}

fn push_one(link: &Link<Config>, record: Record) -> Result<Accepted, Failure> {
    push::push(link.config(), Endpoint::One, &record)
}

fn push_multi(link: &Link<Config>, record: Record) -> Result<Accepted, Failure> {
    push::push(link.config(), Endpoint::Multi, &record)
}

fn push_patriarch(link: &Link<Config>, record: Record) -> Result<Accepted, Failure> {
    push::push(link.config(), Endpoint::Patriarch, &record)
}

fn check_record(link: &Link<Config>, input: CheckInput) -> Result<Checked, Failure> {
    push::check(link.config(), input.endpoint, &input.record)
}

duijie_sdk::export!(ZjGxsz);
