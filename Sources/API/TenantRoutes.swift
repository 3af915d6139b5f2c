// The operations on tenants, and what every operation on something of a tenant's takes.

extension APIRoute {
    static let tenants: [APIRoute] = [
        APIRoute(
            .post, "/v1/tenants", "createTenant", "Makes a tenant", request: .tenantRequest, status: 201,
            .object(.tenant)),
        APIRoute(
            .get, "/v1/tenants", "listTenants", "Tenants: all of them, or the caller's own",
            .object(.tenantList)),
        APIRoute(.get, tenant, "inspectTenant", "One tenant", .object(.tenant)),
        APIRoute(
            .post, "\(tenant)/set", "setTenant", "Changes a tenant", request: .tenantChange,
            .object(.tenant)),
        APIRoute(
            .delete, tenant, "removeTenant",
            "Removes a tenant that has no workspaces and no sessions but such as have ended", status: 204,
            .empty),
    ]

    private static let tenant = "/v1/tenants/{tenant}"

    /// With whose things it is about, for operators: others have their own tenant's.
    var ofTenant: APIRoute {
        var route = self
        route.query.append(APIField("tenant", .name, "whose; the caller's own where it is left out"))
        if ["listSessions", "listWorkspaces", "listQuotas", "usage", "events"].contains(name) {
            route.query.append(APIField("all_tenants", .flag, "everybody's"))
        }
        return route
    }
}

extension APIObject {
    package static let tenantRequest = APIObject(
        "TenantRequest", "A tenant to make.",
        [
            .required("name", .name, "of the tenant"),
            APIField("description", .text(most: 1024), "for people"),
            APIField("plan", .text(most: 64), "the name of its plan"),
            APIField(
                "weight", .whole(1...10_000), "beside other tenants, as `cpu.weight`; its plan's, or 100"),
        ])

    package static let tenantChange = APIObject(
        "TenantChange", "What is to be another of a tenant; what is left out stays.",
        [
            APIField("description", .text(most: 1024), "for people"),
            APIField("plan", .text(most: 64), "the name of its plan; null for none", null: true),
            APIField(
                "weight", .whole(1...10_000),
                "beside other tenants, as `cpu.weight`; null for what its plan says, or 100", null: true),
            APIField("version", .count, "the one that the change is meant for; refused where it is another"),
        ])

    package static let tenant = APIObject(
        "Tenant", "One of the parties that share a daemon.",
        [
            .required("name", .name, "its name"),
            .required("description", .text(most: 1024), "for people"),
            .required("created", .time, "when"),
            .required("version", .count, "1 at first, and one more with each change"),
            APIField("plan", .text(most: 64), "the name of its plan; left out for none"),
            .required("weight", .object(tenantWeight), "of its sessions together beside those of others"),
            .required("sessions", .count, "that have not ended"),
            .required("workspaces", .count, "that outlive sessions"),
            .required(
                "uids", .list(.text(most: 32), most: 10_000),
                "users of this machine whose tenant it is by `tenants.uids`, such as 1000 and 2000-2999"),
        ])

    private static let tenantWeight = APIObject(
        "TenantWeight", "What a tenant's sessions weigh together beside those of others.",
        [
            .required("value", .whole(1...10_000), "100 where nobody says anything"),
            APIField(
                "origin", .word(["tenant", "plan"]),
                "who says so: `setTenant`, or the tenant's plan; left out where nobody does"),
            APIField("cpu", .object(weightState), "of processors; left out in lists"),
            APIField("io", .object(weightState), "of disks; left out in lists"),
        ])

    private static let weightState = APIObject(
        "WeightState", "Whether the kernel goes by a weight, as it says itself.",
        [
            .required("state", .word(["in force", "not in force"]), "at this moment"),
            APIField("reason", .text(most: 4096), "why it is not"),
        ])

    package static let tenantList = APIObject(
        "TenantList", "Tenants.",
        [.required("tenants", .list(.object(tenant), most: 1000), "sorted by name")])
}
