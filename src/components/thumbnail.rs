//! Thumbnails of products.

use leptos::prelude::*;

use crate::model::product::{Product, ShowsImages};

/// Returns the URL of a product's image, if pages may show it.
pub(crate) fn shown_image(product: &Product) -> Option<&str> {
    let ShowsImages(is_on) = use_context().unwrap_or_default();
    product.shown_image().filter(|_| is_on)
}

/// The image of a product, loaded from its shop, or a placeholder. Its size is fixed, so that the layout is stable.
#[component]
pub(crate) fn Thumbnail(
    product: Product,
    /// Width and height in pixels.
    size: u16,
) -> impl IntoView {
    let image = shown_image(&product).map(|image| {
        view! {
            <img
                src=image.to_owned()
                alt=""
                width=size
                height=size
                loading="lazy"
                decoding="async"
                referrerpolicy="no-referrer"
            />
        }
    });
    view! { <span class="thumbnail">{image}</span> }
}
