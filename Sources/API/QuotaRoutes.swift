// The operations on quotas of tenants, and their objects.

extension APIRoute {
    static let quotas: [APIRoute] = [
        APIRoute(
            .get, "/v1/quotas", "listQuotas", "What tenants may have, have and have spent",
            .object(.quotaList)
        ).ofTenant,
        APIRoute(
            .get, "/v1/usage", "usage", "What tenants used in a month, by UTC days",
            query: [APIField("month", .text(most: 7), "`YYYY-MM`; this one where it is left out")],
            .object(.usageList)
        ).ofTenant,
        APIRoute(
            .post, "/v1/tenants/{tenant}/quotas", "setQuotas", "Changes what a tenant may have",
            request: .quotaChange, .object(.quotaTable)),
        APIRoute(
            .post, "/v1/tenants/{tenant}/quotas/reset", "resetQuota",
            "Forgets what a tenant has spent of a quota in its window, or was set of it",
            request: .quotaReset,
            .object(.quotaTable)),
    ]
}

extension APIObject {
    /// Those that something holds tenants to.
    package static let enforcedQuotas = [
        "sessions", "processes", "memory", "cpus", "disk", "cpu_time_per_day", "execs_per_day",
        "creations_per_minute",
    ]
    /// Those that nothing counts yet, for no session has a relay in the daemon: they are listed as not in force, and cannot be set.
    package static let plannedQuotas = ["relay_bytes_per_hour"]

    package static let quotaLimits = APIObject(
        "QuotaLimits",
        "Limits to change, by quota: bytes, thousandths of a processor, milliseconds, or a number; null for no limit.",
        enforcedQuotas.map { APIField($0, .whole(0...UInt64.max), "the most", null: true) })

    package static let quotaChange = APIObject(
        "QuotaChange", "What a tenant is to be allowed; what is left out stays.",
        [
            .required("limits", .object(quotaLimits), "by quota"),
            APIField(
                "version", .count, "of the tenant that the change is meant for; refused where it is another"),
        ])

    package static let quotaReset = APIObject(
        "QuotaReset", "Which quota is to be as if nothing had been spent, or as if nothing had been set.",
        [
            APIField("quota", .word(enforcedQuotas), "its name; may be left out with `to_plan`, for all"),
            APIField(
                "to_plan", .flag,
                "what was set of it is forgotten, and the plan's holds; what was spent stays"),
            APIField(
                "version", .count,
                "with `to_plan`: of the tenant that the change is meant for; refused where it is another"),
        ])

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
            APIField(
                "origin", .word(["tenant", "plan"]),
                "who says so: `setQuotas`, or the tenant's plan; left out where nobody does"),
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

// What tenants used.
extension APIObject {
    private static let used: [APIField] = [
        .required("session_milliseconds", .count, "for how long sessions ran, all of them together"),
        .required("execs", .count, "execs that were taken in"),
        .required("cpu_milliseconds", .count, "processor time of processes that have ended"),
        .required("byte_hours", .count, "bytes of volumes by their limits, times hours"),
    ]

    private static let usageDay = APIObject(
        "UsageDay", "What a tenant used on a day.",
        [.required("day", .text(most: 10), "in UTC, such as 2026-11-22")] + used)

    private static let usage = APIObject(
        "Usage", "What a tenant used in a month, up to now.",
        [.required("tenant", .name, "whose")] + used + [
            .required("days", .list(.object(usageDay), most: 31), "those with anything, in their order")
        ])

    package static let usageList = APIObject(
        "UsageList", "What tenants used in a month.",
        [
            .required("month", .text(most: 7), "in UTC, such as 2026-11"),
            .required("tenants", .list(.object(usage), most: 1000), "sorted by name"),
        ])
}
