// The operations on quotas of tenants, and their objects.

extension APIRoute {
    static let quotas: [APIRoute] = [
        APIRoute(
            .get, "/v1/quotas", "listQuotas", "What tenants may have, have and have spent",
            .object(.quotaList)
        ).ofTenant,
        APIRoute(
            .post, "/v1/tenants/{tenant}/quotas", "setQuotas", "Changes what a tenant may have",
            request: .quotaChange, .object(.quotaTable)),
        APIRoute(
            .post, "/v1/tenants/{tenant}/quotas/reset", "resetQuota",
            "Forgets what a tenant has spent of a quota in its window", request: .quotaReset,
            .object(.quotaTable)),
    ]
}

extension APIObject {
    /// Those that something holds tenants to.
    package static let enforcedQuotas = [
        "sessions", "processes", "memory", "cpus", "disk", "execs_per_day", "creations_per_minute",
    ]
    /// Those that nothing counts yet: they are listed as not in force, and cannot be set.
    package static let plannedQuotas = ["cpu_time_per_day", "relay_bytes_per_hour"]

    package static let quotaLimits = APIObject(
        "QuotaLimits",
        "Limits to change, by quota: bytes, thousandths of a processor, or a number; null for no limit.",
        enforcedQuotas.map { APIField($0, .whole(0...UInt64.max), "the most", null: true) })

    package static let quotaChange = APIObject(
        "QuotaChange", "What a tenant is to be allowed; what is left out stays.",
        [
            .required("limits", .object(quotaLimits), "by quota"),
            APIField(
                "version", .count, "of the tenant that the change is meant for; refused where it is another"),
        ])

    package static let quotaReset = APIObject(
        "QuotaReset", "Which quota is to be as if nothing had been spent.",
        [.required("quota", .word(["execs_per_day", "creations_per_minute"]), "its name")])

    private static let quotaEntry = APIObject(
        "QuotaEntry", "One quota of a tenant's, or of the node's.",
        [
            .required("quota", .word(enforcedQuotas + plannedQuotas), "its name"),
            .required(
                "state", .word(["in force", "no limit", "not in force"]),
                "not in force: nothing counts it, so that it cannot be set; or, with a limit, the kernel does not keep "
                    + "it, for the reason given"),
            APIField("reason", .text(most: 4096), "why a limit is not in force"),
            APIField("limit", .count, "the most"),
            APIField("used", .count, "in use, or spent in this window; may be more than a limit set since"),
            APIField("resets", .time, "when what was spent is forgotten"),
        ])

    package static let quotaTable = APIObject(
        "QuotaTable", "What a tenant may have, has and has spent.",
        [
            .required("tenant", .name, "whose"), .required("version", .count, "of the tenant"),
            .required("quotas", .list(.object(quotaEntry), most: 16), "every quota there is"),
        ])

    package static let quotaList = APIObject(
        "QuotaList", "What tenants may have, have and have spent.",
        [
            .required("tenants", .list(.object(quotaTable), most: 1000), "sorted by name"),
            APIField(
                "node", .object(nodeQuotas),
                "of all tenants together; for operators and administrators who name no tenant"),
        ])

    private static let nodeQuotas = APIObject(
        "NodeQuotas", "What all tenants together may have, have and have spent.",
        [.required("quotas", .list(.object(quotaEntry), most: 16), "every quota there is")])
}
