// The operations on tokens.

extension APIRoute {
    static let tokens: [APIRoute] = [
        APIRoute(
            .post, "/v1/tokens", "createToken",
            "Makes a token, whose text is in this answer and nowhere else",
            request: .tokenRequest, status: 201, .object(.madeToken)
        ).ofTenant,
        APIRoute(.get, "/v1/tokens", "listTokens", "Tokens, without their texts", .object(.tokenList))
            .ofTenant,
        APIRoute(
            .delete, "/v1/tokens/{token}", "revokeToken",
            "Revokes a token, by its name or id: it is refused from then on, and whatever it began to follow ends",
            status: 204, .empty),
    ]
}

extension APIObject {
    package static let roles = ["viewer", "client", "operator", "admin"]

    package static let tokenRequest = APIObject(
        "TokenRequest", "A token to make.",
        [
            .required("role", .word(roles), "what whoever has it may do: docs/access.md"),
            APIField("name", .name, "its name; made of role and id where it is left out"),
            APIField(
                "lifetime", .whole(1000...315_360_000_000),
                "milliseconds until it expires, in whole seconds; 30 days where it is left out, never where it is null",
                null: true),
        ])

    private static let tokenFields: [APIField] = [
        .required("id", .text(most: 8), "as audit records call it"),
        .required("name", .name, "its name, of which there is one that is not revoked"),
        .required("role", .word(roles), "what whoever has it may do"),
        .required("tenant", .name, "whose it is"),
        .required("created", .time, "when"),
        APIField("expires", .time, "from when on it is refused; absent for never"),
        APIField("revoked", .time, "since when it is refused; absent where it is not revoked"),
    ]

    package static let token = APIObject("Token", "A token, without its text.", tokenFields)

    package static let madeToken = APIObject(
        "MadeToken", "A new token.",
        tokenFields + [
            .required("token", .text(most: 128), "its text, for `Authorization: Bearer`; kept nowhere")
        ])

    package static let tokenList = APIObject(
        "TokenList", "Tokens.",
        [.required("tokens", .list(.object(token), most: 10_000), "sorted by name")])
}
