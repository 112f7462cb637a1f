//! A page that is rendered in the browser and follows an import of a server elsewhere.

#[cfg(feature = "empty")]
use self::empty::App;
#[cfg(not(feature = "empty"))]
use self::followed::App;

fn main() {
    leptos::mount::mount_to_body(App);
}

#[cfg(feature = "empty")]
mod empty {
    use leptos::prelude::*;

    #[component]
    pub(super) fn App() -> impl IntoView {
        let clicks = RwSignal::new(0);
        view! {
            <main>
                <button on:click=move |_| clicks.update(|clicks| *clicks += 1)>{clicks}</button>
            </main>
        }
    }
}

#[cfg(not(feature = "empty"))]
mod followed {
    use import_relay_hook::{
        hooks::{UseProgressOptions, use_product_import_progress_with_options},
        model::job::{JobId, ProductImportJob},
    };
    use leptos::prelude::*;
    use web_sys::UrlSearchParams;

    /// Follows the import that the address names: `?relay=https://relay.example&job=…`.
    #[component]
    pub(super) fn App() -> impl IntoView {
        let id = parameter("job").and_then(|id| id.parse::<JobId>().ok());
        view! {
            <main>
                {match id {
                    Some(id) => view! { <Import id /> }.into_any(),
                    None => "There is no such import.".into_any(),
                }}
            </main>
        }
    }

    #[component]
    fn Import(id: JobId) -> impl IntoView {
        let relay = parameter("relay").unwrap_or_default();
        let options = UseProgressOptions::default()
            .server(&relay)
            .with_credentials(true);
        let import =
            use_product_import_progress_with_options(ProductImportJob::pending(id), options);
        view! {
            <p>
                <span id="processed">{move || import.progress.get().processed_products}</span>
                " of "
                <span id="total">{move || import.progress.get().total_products}</span>
                " products: "
                <span id="status">{move || import.status.get().to_string()}</span>
            </p>
            <p id="connection">{move || format!("{:?}", import.connection.get())}</p>
            <p id="error" role="alert">
                {move || import.error.get().map(|error| error.to_string())}
            </p>
            <button id="close" on:click=move |_| import.close()>"Close"</button>
            <button id="open" on:click=move |_| import.open()>"Open"</button>
        }
    }

    fn parameter(name: &str) -> Option<String> {
        let search = window().location().search().ok()?;
        UrlSearchParams::new_with_str(&search).ok()?.get(name)
    }
}
