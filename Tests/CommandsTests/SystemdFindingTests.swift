import Cgroups
import Testing

@testable import Commands

/// What `corral doctor` makes of systemd's units; with systemd itself it is asked by scripts/vm/checks-systemd.sh.
@Suite struct SystemdFindingTests {
    private static let shown = """
        Id=corral.service
        LoadState=loaded
        ActiveState=active
        FragmentPath=/usr/lib/systemd/system/corral.service
        DropInPaths=
        NeedDaemonReload=no

        Id=corral-warden.service
        LoadState=loaded
        ActiveState=active
        FragmentPath=/usr/lib/systemd/system/corral-warden.service
        DropInPaths=
        NeedDaemonReload=no

        Id=corral.socket
        LoadState=loaded
        ActiveState=active
        FragmentPath=/usr/lib/systemd/system/corral.socket
        DropInPaths=
        NeedDaemonReload=no

        """

    private func part(_ name: String, isDelegated: Bool = true) -> SystemdFinding.Part {
        SystemdFinding.Part(unit: ProcessUnit(name: name, isDelegated: isDelegated))
    }

    /// Both run from their units, and all is well.
    private var well: SystemdFinding {
        var finding = SystemdFinding()
        finding.corrald = part("corral.service")
        finding.warden = part("corral-warden.service")
        finding.units = SystemdUnit.read(Self.shown)
        return finding
    }

    @Test func `what systemctl shows is read by unit`() {
        let units = SystemdUnit.read(
            Self.shown.replacing("DropInPaths=\n", with: "DropInPaths=/a.conf /b.conf\n")
                + "\n\nId=other.service\nLoadState=not-found\nodd\nActiveState=inactive\nNeedDaemonReload=yes"
        )
        #expect(units.count == 4)
        #expect(
            units["corral.socket"]
                == SystemdUnit(
                    isLoaded: true, state: "active", file: "/usr/lib/systemd/system/corral.socket",
                    additions: 2,
                    needsReload: false))
        #expect(
            units["other.service"]
                == SystemdUnit(isLoaded: false, state: "inactive", file: "", additions: 0, needsReload: true))
        #expect(SystemdUnit.read("").isEmpty && SystemdUnit.read("no unit\n\n").isEmpty)
    }

    @Test func `a daemon that its units keep is well, and so is one that is not started`() {
        #expect(well.result == .ok("systemd", "keeps corrald and the warden, each in its unit"))
        var idle = well
        (idle.corrald, idle.warden) = (nil, nil)
        #expect(idle.result == .ok("systemd", "has units, and the first client starts a daemon"))
        idle.units?["corral.socket"]?.state = "inactive"
        #expect(idle.result == .ok("systemd", "has units, and corral.socket is not started"))
        var changed = well
        changed.units?["corral.service"]?.additions = 1
        #expect(changed.result.state == .ok)
        #expect(changed.result.what.hasSuffix("each in its unit; drop-ins change corral.service"))
        // For whoever may not look at the warden.
        var half = well
        half.warden = nil
        #expect(half.result == .ok("systemd", "has units; corrald is in corral.service"))
    }

    @Test func `where there are no units, or nobody tells of them, nothing is wrong`() {
        var finding = well
        finding.corrald = part("session-3.scope")
        finding.units?["corral.service"]?.isLoaded = false
        #expect(finding.result.state == .ok && finding.result.what.contains("no units of Corral's"))
        finding.units = [:]
        #expect(finding.result.state == .ok)
        finding.units = nil
        finding.warden = nil
        #expect(
            finding.result
                == .ok("systemd", "cannot be asked for its units; corrald is in session-3.scope"))
    }

    @Test func `who runs beside the units is told, with what it costs to change that`() {
        var finding = well
        finding.corrald = part("session-3.scope")
        #expect(finding.result.state == .warning)
        #expect(finding.result.what == "corrald runs in session-3.scope, beside corral.service")
        #expect(finding.result.cure?.hasSuffix("(sessions go on)") == true)
        finding.warden = part("session-3.scope", isDelegated: false)
        #expect(finding.result.what == "the warden runs in session-3.scope, beside corral-warden.service")
        #expect(
            finding.result.cure
                == "corral daemon stop --sessions && systemctl enable --now corral.socket corral.service "
                + "(ends all sessions)")
        finding.isSystem = false
        #expect(finding.result.cure?.contains("&& systemctl --user enable") == true)
        // Not judged: whose unit cannot be told.
        finding.isSystem = true
        (finding.warden, finding.corrald) = (.init(unit: nil), .init(unit: nil))
        #expect(finding.result.state == .ok && finding.result.what == "has units")
    }

    @Test func `a unit without a delegated cgroup is told`() {
        var finding = well
        finding.warden = part("corral-warden.service", isDelegated: false)
        #expect(finding.result.state == .warning)
        #expect(finding.result.what == "corral-warden.service has no delegated cgroup")
        #expect(
            finding.result.cure?.hasPrefix("Delegate=yes by systemctl edit corral-warden.service") == true)
        finding.isSystem = false
        #expect(finding.result.state == .ok, "older managers of users leave no mark")
    }

    @Test func `units that changed since they were read are told, with what a restart ends`() {
        var finding = well
        finding.units?["corral.service"]?.needsReload = true
        #expect(finding.result.state == .warning)
        #expect(finding.result.what.hasPrefix("corral.service changed on disk"))
        #expect(
            finding.result.cure
                == "systemctl daemon-reload && systemctl restart corral.service (sessions go on)")
        finding.units?["corral-warden.service"]?.needsReload = true
        #expect(finding.result.what.hasPrefix("corral-warden.service, corral.service changed"))
        #expect(finding.result.cure?.hasSuffix("(ends all sessions)") == true)
    }

    @Test func `a unit that hides the installed one is told`() {
        var finding = well
        finding.units?["corral.service"]?.file = "/etc/systemd/system/corral.service"
        finding.replaced = ["corral.service": "/usr/lib/systemd/system/corral.service"]
        #expect(finding.result.state == .warning)
        #expect(
            finding.result.what.hasPrefix("corral.service is that of /etc/systemd/system/corral.service,"))
        #expect(finding.result.cure?.hasPrefix("systemctl revert corral.service") == true)
        finding.units?["corral.service"]?.file = "/usr/local/lib/systemd/system/corral.service"
        #expect(finding.result.cure?.hasPrefix("remove the installation") == true)
    }

    @Test func `this host is told of, whatever it has`() {
        let finding = SystemdFinding.look(nil, nil)
        #expect(finding.name == "systemd" && finding.state == .ok && !finding.what.isEmpty)
    }
}
