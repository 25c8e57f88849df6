//! Every address, in one list.

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App,
    api::{
        agencies, deliveries, dispatches, documents, extensions, keys, ledger, operations,
        prepared_signatures, signature_batches, signatures, verifications,
    },
    observe,
    problem::{self, Problem},
    siva, web,
};

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let idle = Duration::from_secs(app.limits().idle_seconds.max(1));
    let (api, _description) = api().split_for_parts();
    api.merge(pages())
        .fallback(async || Problem::new(&problem::ROUTE_NOT_FOUND))
        .layer(RequestBodyTimeoutLayer::new(idle))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

/// The description of the API (OpenAPI 3.1), made from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// What programs call: described in `/openapi.json`.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(documents::upload, documents::list))
        .routes(routes!(verifications::verify))
        .routes(routes!(siva::validate))
        .layer(DefaultBodyLimit::disable()) // uploads count for themselves
        .routes(routes!(documents::read))
        .routes(routes!(documents::content))
        .routes(routes!(documents::number))
        .routes(routes!(verifications::verify_hash))
        .routes(routes!(verifications::read, verifications::cancel))
        .routes(routes!(siva::validate_hashcode))
        .routes(routes!(siva::health))
        .routes(routes!(siva::heartbeat))
        .routes(routes!(siva::version))
        .routes(routes!(signatures::sign))
        .routes(routes!(prepared_signatures::prepare))
        .routes(routes!(prepared_signatures::read, prepared_signatures::give_up))
        .routes(routes!(prepared_signatures::content))
        .routes(routes!(prepared_signatures::complete))
        .routes(routes!(signature_batches::begin))
        .routes(routes!(signature_batches::read))
        .routes(routes!(signature_batches::stop))
        .routes(routes!(signature_batches::resume))
        .routes(routes!(extensions::extend))
        .routes(routes!(extensions::list))
        .routes(routes!(signatures::preview))
        .routes(routes!(dispatches::send, dispatches::list))
        .routes(routes!(dispatches::read))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::read))
        .routes(routes!(deliveries::document))
        .routes(routes!(deliveries::arrive))
        .routes(routes!(deliveries::accept))
        .routes(routes!(deliveries::refuse))
        .routes(routes!(ledger::proof))
        .routes(routes!(ledger::checkpoint_json))
        .routes(routes!(ledger::checkpoint))
        .routes(routes!(agencies::list))
        .routes(routes!(keys::create))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
}

/// What people open.
fn pages() -> Router<App> {
    Router::new()
        .route("/", get(web::home))
        .route("/assets/{name}", get(web::asset))
        .route("/docs", get(web::docs))
        .route("/favicon.ico", get(web::favicon))
        .route("/kiem-tra", get(web::verify_page).post(web::verify_files))
        .route("/openapi.json", get(web::openapi_json))
        .route("/problems", get(web::problems))
        .route("/problems/{code}", get(web::problem_kind))
        .route("/tile/{*path}", get(ledger::tile))
        .route("/verify", get(web::verify_page).post(web::verify_files))
        .layer(DefaultBodyLimit::disable()) // uploads count for themselves
}

/// What the description says beside the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "kyso",
        description = "Sign, verify and circulate administrative documents. Failures are RFC 9457 problems; their codes are listed at /problems."
    ),
    // Its path holds slashes, which OpenAPI cannot say; the router above takes it as `{*path}`.
    paths(ledger::tile),
    modifiers(&Keys),
    components(schemas(super::problem::ProblemBody))
)]
struct Description;

/// `Authorization: Bearer kyso_…`
struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("kyso_…")
            .description(Some("An API key, made by POST /api/v1/api-keys"))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}
