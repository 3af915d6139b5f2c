// The operations on workspaces that outlive sessions.

extension APIRoute {
    static let workspaces: [APIRoute] = [
        APIRoute(
            .post, "/v1/workspaces", "createWorkspace", "Makes a workspace that outlives sessions",
            request: .workspaceRequest, status: 201, .object(.workspace)),
        APIRoute(
            .get, "/v1/workspaces", "listWorkspaces", "Workspaces",
            query: [
                APIField("after", .text(most: 128), "`next` of the page before"),
                APIField("limit", .whole(1...1000), "at most so many"),
            ], .object(.workspaceList)),
        APIRoute(
            .get, workspace, "inspectWorkspace", "One workspace, and what it holds", .object(.workspace)),
        APIRoute(
            .delete, workspace, "removeWorkspace", "Removes a workspace that no session has",
            query: [APIField("snapshots", .flag, "and its snapshots; else it must have none")],
            status: 204, .empty),
        APIRoute(
            .post, "\(workspace)/resize", "resizeWorkspace", "Changes its limits, in use or not",
            request: .resizeWorkspaceRequest, .object(.workspace)),
        APIRoute(
            .post, "\(workspace)/fork", "forkWorkspace", "Makes another one that begins with what it holds",
            request: .forkRequest, status: 201, .object(.workspace)),
        APIRoute(
            .post, "\(workspace)/restore", "restoreWorkspace",
            "Puts back what a snapshot kept, in a workspace that no session has", request: .restoreRequest,
            .object(.workspace)),
        APIRoute(
            .post, "\(workspace)/snapshots", "createSnapshot", "Keeps what it holds now",
            request: .snapshotRequest, status: 201, .object(.snapshot)),
        APIRoute(
            .get, "\(workspace)/snapshots", "listSnapshots", "Snapshots of a workspace",
            .object(.snapshotList)),
        APIRoute(
            .delete, "\(workspace)/snapshots/{snapshot}", "removeSnapshot", "Removes a snapshot", status: 204,
            .empty),
        APIRoute(
            .get, "\(workspace)/diff", "diffWorkspace",
            "What was added, changed and removed since a snapshot, or between two; a page may have none of it",
            query: [
                .required("from", .name, "a snapshot"),
                APIField("to", .name, "another one; the workspace as it is now where it is left out"),
                APIField("after", .path, "`next` of the page before"),
            ], .object(.workspaceDifference)),
    ]

    static let workspace = "/v1/workspaces/{workspace}"
}
