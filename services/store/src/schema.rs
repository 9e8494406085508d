//! The tables as diesel knows them; `migrations/` makes them.

diesel::table! {
    recordings (id) {
        id -> Text,
        code -> Text,
        title -> Text,
        started -> BigInt,
        duration_ms -> BigInt,
        bytes -> BigInt,
        state -> Text,
        message -> Nullable<Text>,
        deleting -> Bool,
        keep_until -> Nullable<BigInt>,
        link_generation -> Integer,
        layout -> Text,
    }
}

diesel::table! {
    copies (recording, region) {
        recording -> Text,
        region -> Text,
        place -> Integer,
        state -> Text,
        bytes -> BigInt,
        sha256 -> Nullable<Text>,
    }
}

diesel::table! {
    resting_codes (code) {
        code -> Text,
        until -> BigInt,
    }
}

diesel::joinable!(copies -> recordings (recording));
diesel::allow_tables_to_appear_in_same_query!(copies, recordings);
