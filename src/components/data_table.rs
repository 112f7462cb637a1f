//! Tables.

use leptos::prelude::*;

/// A table with a row of column heads. The roles keep its meaning where a style sheet lays rows out as blocks.
#[component]
pub(crate) fn DataTable(
    class: &'static str,
    #[prop(optional)] testid: Option<&'static str>,
    /// Hidden caption.
    caption: &'static str,
    heads: Vec<&'static str>,
    /// Hidden head of a last column, which has buttons.
    #[prop(optional)]
    actions: Option<&'static str>,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let heads = heads
        .into_iter()
        .map(|head| view! { <th role="columnheader" scope="col">{head}</th> })
        .collect_view();
    let actions = actions.map(|actions| {
        view! {
            <th role="columnheader" scope="col">
                <span class="visually-hidden">{actions}</span>
            </th>
        }
    });
    view! {
        <table class=class role="table" data-testid=testid>
            <caption class="visually-hidden">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">{heads} {actions}</tr>
            </thead>
            <tbody role="rowgroup">{children()}</tbody>
        </table>
    }
}
