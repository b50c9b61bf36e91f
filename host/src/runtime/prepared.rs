//! A connector ready to serve: compiled, linked, described, its schemas compiled. Immutable; shared by every link that
//! uses it, so that thousands of links cost one compilation. A request holds its revision until it is done.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{
    compile::Compiler,
    engine::Runtime,
    error::LoadError,
    invoke,
    limits::CallLimits,
    manifest::{Manifest, ManifestError, OperationSpec, compile_schema},
    state::State,
    validate, wasi,
};
use crate::{bindings::ConnectorPre, capability::Context, id::Revision, redact::PersonalPointers};

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
    pub(super) pre: ConnectorPre<State>,
    pub(super) runtime: Runtime,
}

impl Prepared {
    /// Takes a component through every step: magic, compile, imports, describe, schemas. Nothing that fails a step is ever served.
    ///
    /// # Errors
    /// Names the step that failed and why.
    pub(crate) async fn load(runtime: &Runtime, compiler: &Compiler, bytes: &[u8]) -> Result<Self, LoadError> {
        validate::magic(bytes)?;
        let revision = Revision::of(bytes);
        let component = compiler.component(runtime, revision, bytes).await?;
        let ty = component.component_type();
        validate::component(runtime.engine(), &ty)?;
        let imports = ty.imports(runtime.engine()).map(|(name, _)| name.to_owned()).collect();
        let mut linker = runtime.linker().clone();
        wasi::stub(&mut linker, runtime.engine(), &component).map_err(link_error)?;
        let pre = ConnectorPre::new(linker.instantiate_pre(&component).map_err(link_error)?).map_err(link_error)?;

        let describing = CallLimits { deadline: Duration::from_secs(5), ..CallLimits::default() };
        let json = invoke::describe(runtime, &pre, &describing).await.map_err(LoadError::Describe)?;
        let manifest = Manifest::parse(&json)?;
        let config = compile_schema("config", &manifest.config)?;
        let mut operations = HashMap::with_capacity(manifest.operations.len());
        for spec in &manifest.operations {
            compile_schema(format!("{} output", spec.name), &spec.output)?;
            let input = compile_schema(format!("{} input", spec.name), &spec.input)?;
            let personal = PersonalPointers::parse(&spec.personal)
                .map_err(|e| ManifestError::Invalid(vec![format!("operation {}: {e}", spec.name)]))?;
            operations.insert(spec.name.clone(), Operation { spec: spec.clone(), input, personal });
        }
        Ok(Self { revision, size: bytes.len(), imports, manifest, operations, config, pre, runtime: runtime.clone() })
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

/// One violation, or one for each name that the schema does not know, so that each is found where it stands.
fn one_each(error: &ValidationError<'_>) -> Vec<Violation> {
    let at = error.instance_path().to_string();
    let unknown = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.as_slice(),
        _ => return vec![Violation { pointer: at, message: error.masked_with("the value").to_string() }],
    };
    let named = |name: &String| {
        let name = name.replace('~', "~0").replace('/', "~1");
        Violation { pointer: format!("{at}/{name}"), message: "is not known here".into() }
    };
    unknown.iter().map(named).collect()
}

fn link_error(error: wasmtime::Error) -> LoadError {
    LoadError::Link(format!("{error:#}"))
}
