//! The server: `hook-hydrate ADDRESS SITE`, with the browser's part in `SITE/pkg`.

use std::{env, error::Error, net::SocketAddr};

use axum::Router;
use hook_hydrate::{App, shell};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, file_and_error_handler, generate_route_list};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:3100".to_owned());
    let address: SocketAddr = address.parse()?;
    let site = arguments.next().unwrap_or_else(|| "site".to_owned());
    let options = LeptosOptions::builder()
        .output_name("hook-hydrate")
        .site_root(site)
        .site_addr(address)
        .build();
    let app = Router::new()
        .leptos_routes(&options, generate_route_list(App), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler(shell))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
