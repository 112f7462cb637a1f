pub mod relay;

pub mod auth {
    pub mod principal {
        use crate::server::store::users::UserId;

        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub struct Pass {
            pub user: UserId,
        }
    }
}

pub mod store {
    pub mod users {
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub struct UserId(pub &'static str);
    }
}
