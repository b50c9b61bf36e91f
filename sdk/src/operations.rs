//! Registration and look-up of operations. In a call only the wanted name is compared and one function kept: schemas
//! are built, and builder calls have an effect, only while describing.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Connector, Failure, Link,
    manifest::{self, Coalesce, Summary, schema_for},
    typed,
};

/// Runs one operation from JSON to JSON.
pub(crate) type Run<C> = Box<dyn FnOnce(&Link<<C as Connector>::Config>, &str) -> Result<String, Failure>>;

/// Where a connector registers its operations.
pub struct Operations<C: Connector> {
    mode: Mode<C>,
}

enum Mode<C: Connector> {
    Describe(Vec<manifest::Operation>),
    Find { name: String, found: Option<Run<C>> },
}

impl<C: Connector> Operations<C> {
    pub(crate) fn describing() -> Self {
        Self { mode: Mode::Describe(Vec::new()) }
    }

    pub(crate) fn finding(name: String) -> Self {
        Self { mode: Mode::Find { name, found: None } }
    }

    pub(crate) fn described(self) -> Vec<manifest::Operation> {
        match self.mode {
            Mode::Describe(operations) => operations,
            Mode::Find { .. } => Vec::new(),
        }
    }

    pub(crate) fn found(self) -> Option<Run<C>> {
        match self.mode {
            Mode::Describe(_) => None,
            Mode::Find { found, .. } => found,
        }
    }

    /// Adds an operation: lower-case words of `a-z 0-9 -` joined by dots, at most 64 characters. Its schemas are those
    /// of the function's types. Until the builder says otherwise it is a write that is not safe to repeat.
    pub fn add<I, O, F>(&mut self, name: &'static str, run: F) -> OperationEntry<'_>
    where
        I: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(&Link<C::Config>, I) -> Result<O, Failure> + 'static,
    {
        match &mut self.mode {
            Mode::Describe(operations) => described(operations, name, schema_for::<C, I>, schema_for::<C, O>),
            Mode::Find { name: wanted, found } => {
                if found.is_none() && wanted == name {
                    *found = Some(Box::new(move |link, input| run_typed(&run, link, input)));
                }
                OperationEntry(None)
            }
        }
    }
}

/// As nothing is said of it yet. Apart from the types, so that a connector of many operations holds this once.
fn described<'a>(
    operations: &'a mut Vec<manifest::Operation>,
    name: &'static str,
    input: fn() -> Value,
    output: fn() -> Value,
) -> OperationEntry<'a> {
    operations.push(manifest::Operation {
        name,
        summary: Summary::default(),
        input: input(),
        output: output(),
        effect: "write",
        repeat: "unsafe",
        key: None,
        line: None,
        every_version: false,
        direct_only: false,
        coalesce: None,
        personal: Vec::new(),
        deadline_ms: None,
        max_body: None,
    });
    OperationEntry(operations.last_mut())
}

fn run_typed<C, I, O>(
    run: &impl Fn(&Link<C>, I) -> Result<O, Failure>,
    link: &Link<C>,
    input: &str,
) -> Result<String, Failure>
where
    I: DeserializeOwned,
    O: Serialize,
{
    let input = typed::parse(input.as_bytes()).map_err(unfit_input)?;
    let output = run(link, input)?;
    serde_json::to_string(&output).map_err(unfit_output)
}

/// The error's own message quotes the value it stumbled over, which may be personal. The host's answer says more: it
/// validates every input before.
fn unfit_input(_: serde_json::Error) -> Failure {
    Failure::invalid_input("the input does not fit the operation's input type")
}

fn unfit_output(error: serde_json::Error) -> Failure {
    Failure::internal(format!("the output is not JSON: {error}"))
}

/// The operation just added: says the rest about it.
pub struct OperationEntry<'a>(Option<&'a mut manifest::Operation>);

impl OperationEntry<'_> {
    fn with(mut self, change: impl FnOnce(&mut manifest::Operation)) -> Self {
        if let Some(operation) = &mut self.0 {
            change(operation);
        }
        self
    }

    /// One or two sentences in English and in Chinese, at most 1024 characters each.
    pub fn summary(self, en: &str, zh: &str) -> Self {
        self.with(|operation| operation.summary = Summary { en: en.to_owned(), zh: zh.to_owned() })
    }

    /// It changes nothing at the upstream.
    pub fn read(self) -> Self {
        self.with(|operation| operation.effect = "read")
    }

    /// It changes something at the upstream (as assumed when nothing is said).
    pub fn write(self) -> Self {
        self.with(|operation| operation.effect = "write")
    }

    /// The same input may be sent twice without harm, so the host may repeat it when the outcome is unknown.
    pub fn repeat_safe(self) -> Self {
        self.with(|operation| operation.repeat = "safe")
    }

    /// JSON Pointer to what says which record this is: queued records of one key are sent in order, one at a time.
    /// Synchronous calls run side by side: whoever calls awaits one before sending the next version of the same record.
    pub fn key(self, pointer: &str) -> Self {
        self.with(|operation| operation.key = Some(pointer.to_owned()))
    }

    /// Operations that name the same line keep one order over all of them for each key, as the beginning and the end of
    /// one thing must; of those without a key, all are in one order. Named like an operation. Without it each operation
    /// has an order of its own.
    pub fn line(self, name: &'static str) -> Self {
        self.with(|operation| operation.line = Some(name))
    }

    /// A later input of a key does not stand for an earlier one, as an added user and the same one changed do not: each
    /// is sent. Without this, a newer version takes the place of one that waits, where repeating is safe.
    pub fn every_version(self) -> Self {
        self.with(|operation| operation.every_version = true)
    }

    /// Its inputs are never kept on a disk, not even sealed: faces, passwords. It is called, and neither queued nor
    /// scheduled.
    pub fn direct_only(self) -> Self {
        self.with(|operation| operation.direct_only = true)
    }

    /// JSON Pointers to personal data in input and output, where a token `*` stands for every element; at most 128.
    /// The host masks them in every log and message.
    pub fn personal<const N: usize>(self, pointers: [&str; N]) -> Self {
        self.with(|operation| operation.personal = owned(&pointers))
    }

    /// Queued inputs of one key may be merged: members added up, and members of which the last counts.
    pub fn coalesce<const S: usize, const L: usize>(self, sum: [&str; S], last: [&str; L]) -> Self {
        self.with(|operation| operation.coalesce = Some(Coalesce { sum: owned(&sum), last: owned(&last) }))
    }

    /// Total time the operation may need, 1 to 600,000 ms; a link's own limit wins.
    pub fn deadline_ms(self, milliseconds: u32) -> Self {
        self.with(|operation| operation.deadline_ms = Some(milliseconds))
    }

    /// Bytes of input it takes at the most, 1 to 16 MiB; a link's own limit (1 MiB by default) wins where it is lower.
    pub fn max_body(self, bytes: u32) -> Self {
        self.with(|operation| operation.max_body = Some(bytes))
    }

    /// Replaces the input's schema by this one, built only while describing: for inputs whose shape is a matter of config.
    pub fn input_schema(self, schema: impl FnOnce() -> Value) -> Self {
        self.with(|operation| operation.input = schema())
    }

    /// Replaces the output's schema by this one, built only while describing.
    pub fn output_schema(self, schema: impl FnOnce() -> Value) -> Self {
        self.with(|operation| operation.output = schema())
    }
}

fn owned(pointers: &[&str]) -> Vec<String> {
    pointers.iter().map(|&pointer| pointer.to_owned()).collect()
}
