//! A connector ready to serve: compiled, linked, described, its schemas compiled. Immutable; shared by every link that
//! uses it, so that thousands of links cost one compilation. A request holds its revision until it is done.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{
    compile::{Compiled, Compiler},
    engine::Runtime,
    error::LoadError,
    invoke,
    limits::CallLimits,
    manifest::{Manifest, ManifestError, OperationSpec, compile_schema},
    state::State,
    tally::Tally,
    validate, wasi,
};
use crate::{
    bindings::ConnectorPre,
    capability::Context,
    id::{ConnectorName, Revision},
    redact::PersonalPointers,
};

/// How long a connector may take to say what it is.
const DESCRIBE_MAX: Duration = Duration::from_secs(5);
/// And how long it may compute for that: it hands out what it was built with.
const DESCRIBE_CPU: Duration = Duration::from_millis(500);
/// Violations reported for one value.
const VIOLATIONS_MAX: usize = 100;

/// One way in which a value does not fit its schema.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Violation {
    /// JSON Pointer (RFC 6901) to the value; empty means the whole.
    pub(crate) pointer: String,
    /// What is wrong. Names keywords and limits; never repeats the value, which may be personal.
    pub(crate) message: String,
}

/// One operation, with its compiled schema.
pub(crate) struct Operation {
    /// What the manifest says of it.
    pub(crate) spec: OperationSpec,
    input: Validator,
    /// Where personal data is in its input and output.
    pub(crate) personal: PersonalPointers,
}

impl Operation {
    /// Everything in this input that does not fit the schema, at most 100.
    pub(crate) fn violations(&self, input: &Value) -> Vec<Violation> {
        violations(&self.input, input)
    }
}

/// A connector, ready to serve.
pub(crate) struct Prepared {
    /// The hash of its bytes.
    pub(crate) revision: Revision,
    /// What it says of itself.
    pub(crate) manifest: Manifest,
    /// Size of the component in bytes.
    pub(crate) size: usize,
    /// The names of what it imports.
    pub(crate) imports: Vec<String>,
    operations: HashMap<String, Operation>,
    config: Validator,
    /// How its calls ended.
    pub(crate) tally: Tally,
    pub(super) pre: ConnectorPre<State>,
    pub(super) runtime: Runtime,
    _live: Live,
}

/// A component whose imports are all there, and whose exports are those of a connector.
struct Linked {
    pre: ConnectorPre<State>,
    imports: Vec<String>,
}

impl Linked {
    fn of(runtime: &Runtime, compiled: &Compiled) -> Result<Self, LoadError> {
        let component = compiled.component();
        let ty = component.component_type();
        validate::component(runtime.engine(), &ty)?;
        let imports = ty.imports(runtime.engine()).map(|(name, _)| name.to_owned()).collect();
        let mut linker = runtime.linker().clone();
        wasi::stub(&mut linker, runtime.engine(), component).map_err(link_error)?;
        let pre = ConnectorPre::new(linker.instantiate_pre(component).map_err(link_error)?).map_err(link_error)?;
        Ok(Self { pre, imports })
    }

    /// Has it say what it is: the first time that anything of it runs.
    async fn describe(&self, runtime: &Runtime) -> Result<Manifest, LoadError> {
        let limits = CallLimits { deadline: DESCRIBE_MAX, cpu: DESCRIBE_CPU, ..CallLimits::default() };
        let json = invoke::describe(runtime, &self.pre, &limits).await.map_err(LoadError::Describe)?;
        Ok(Manifest::parse(&json)?)
    }
}

/// Counts the revisions that are in memory, until each is dropped by the last call that held it.
struct Live(metrics::Gauge);

impl Live {
    fn of(connector: &ConnectorName) -> Self {
        let gauge = metrics::gauge!("duijie_revisions_live", "connector" => connector.to_string());
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Prepared {
    /// Takes a component through every step, each with a type of its own that only it can make: plausible (magic, size),
    /// compiled (by a child that first parsed it whole), linked (imports, exports), described (manifest, schemas). Nothing
    /// that fails a step is ever served.
    ///
    /// # Errors
    /// Names the step that failed and why.
    pub(crate) async fn load(runtime: &Runtime, compiler: &Compiler, bytes: &[u8]) -> Result<Self, LoadError> {
        let plausible = validate::magic(bytes)?;
        let revision = Revision::of(bytes);
        let compiled = compiler.component(runtime, revision, plausible).await?;
        let linked = Linked::of(runtime, &compiled)?;
        let manifest = linked.describe(runtime).await?;
        let config = compile_schema("config", &manifest.config)?;
        let mut operations = HashMap::with_capacity(manifest.operations.len());
        for spec in &manifest.operations {
            compile_schema(format!("{} output", spec.name), &spec.output)?;
            let input = compile_schema(format!("{} input", spec.name), &spec.input)?;
            let personal = PersonalPointers::parse(&spec.personal)
                .map_err(|e| ManifestError::Invalid(vec![format!("operation {}: {e}", spec.name)]))?;
            operations.insert(spec.name.clone(), Operation { spec: spec.clone(), input, personal });
        }
        let Linked { pre, imports } = linked;
        Ok(Self {
            revision,
            size: bytes.len(),
            imports,
            operations,
            config,
            tally: Tally::default(),
            pre,
            runtime: runtime.clone(),
            _live: Live::of(&manifest.name),
            manifest,
        })
    }

    /// The operation of this name.
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// Everything in a link's config that does not fit the connector's schema.
    pub(crate) fn config_violations(&self, config: &Value) -> Vec<Violation> {
        violations(&self.config, config)
    }

    /// Asks the connector whether a link's config is fit.
    ///
    /// # Errors
    /// Says how the connector failed while answering.
    pub(crate) async fn check(&self, context: Context, limits: &CallLimits) -> Result<Vec<Violation>, String> {
        invoke::check(self, context, limits).await
    }
}

/// What a connector is, shared.
pub(crate) type PreparedRef = Arc<Prepared>;

fn violations(validator: &Validator, value: &Value) -> Vec<Violation> {
    validator.iter_errors(value).take(VIOLATIONS_MAX).flat_map(|error| one_each(&error)).take(VIOLATIONS_MAX).collect()
}

/// One violation, or one for each name that the schema does not know, so that each is found where it stands; what is missing
/// where it would.
fn one_each(error: &ValidationError<'_>) -> Vec<Violation> {
    let at = error.instance_path().to_string();
    let unknown = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.as_slice(),
        ValidationErrorKind::Required { property: Value::String(name) } => {
            return vec![Violation { pointer: member(&at, name), message: "is required".into() }];
        }
        _ => return vec![Violation { pointer: at, message: error.masked_with("the value").to_string() }],
    };
    let named = |name: &String| Violation { pointer: member(&at, name), message: "is not known here".into() };
    unknown.iter().map(named).collect()
}

/// The JSON Pointer of a member.
fn member(of: &str, name: &str) -> String {
    format!("{of}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn link_error(error: wasmtime::Error) -> LoadError {
    LoadError::Link(format!("{error:#}"))
}
