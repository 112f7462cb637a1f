//! The pages beside that of an import, as a part of the browser's program that is fetched when one of
//! them is first shown: `cargo leptos build --split --lib-features hydrate,split` cuts the program here.

use leptos::prelude::*;
use leptos_router::LazyRoute;

use super::{
    AccountPage, AuditPage, ConfirmPage, ImportChangesPage, ImportDetailsPage, ImportsPage,
    JoinPage, ProductPage, ProductsPage, SignInPage, StatusPage, StyleguidePage, TeamPage,
    TokensPage,
};

/// Makes a route of each page, and one split point for all of them.
macro_rules! routes {
    ($($route:ident: $page:ident,)*) => {
        enum Which { $($route),* }

        // The server announces the part, whether or not there is one.
        #[cfg_attr(any(feature = "split", feature = "ssr"), lazy)]
        async fn other_pages(which: Which) -> AnyView {
            // On the way from the server the part that has just come is a task of its own.
            #[cfg(feature = "hydrate")]
            crate::hydration::next_task().await;
            match which {
                $(Which::$route => view! { <$page /> }.into_any()),*
            }
        }

        $(
            #[doc = concat!("The route of [`", stringify!($page), "`].")]
            pub(crate) struct $route;

            impl LazyRoute for $route {
                fn data() -> Self {
                    Self
                }

                async fn view(_this: Self) -> AnyView {
                    other_pages(Which::$route).await
                }

                async fn preload() {
                    #[cfg(all(feature = "split", target_family = "wasm"))]
                    __preload_other_pages().await;
                }
            }
        )*
    };
}

/// The route of [`ImportDetailsPage`], which is in the program's first part. On the way from the server it
/// comes alive after what is around it.
pub(crate) struct ImportDetails;

impl LazyRoute for ImportDetails {
    fn data() -> Self {
        Self
    }

    async fn view(_this: Self) -> AnyView {
        #[cfg(feature = "hydrate")]
        crate::hydration::next_task().await;
        view! { <ImportDetailsPage /> }.into_any()
    }
}

routes! {
    Account: AccountPage,
    Audit: AuditPage,
    Confirm: ConfirmPage,
    ImportChanges: ImportChangesPage,
    Imports: ImportsPage,
    Join: JoinPage,
    Product: ProductPage,
    Products: ProductsPage,
    SignIn: SignInPage,
    Status: StatusPage,
    Styleguide: StyleguidePage,
    Team: TeamPage,
    Tokens: TokensPage,
}
