// Wardens that are of another build, or still serve somebody else.

import Glibc
import Linux
import TestSupport
import Testing
import WardenProtocol
import Wire

@Suite(.serialized) struct OtherWardenTests {
    /// Answers as a warden does, but for its build: by the kind of the request, with the request's number.
    private static let script = """
        import os, socket, sys
        path, last, answers = sys.argv[1], sys.argv[2], dict(part.split("=") for part in sys.argv[3:])
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(8)
        served = False
        while not served:
            connection = listener.accept()[0]
            while True:
                request = connection.recv(65536)
                if not request:
                    break
                kind = str(int.from_bytes(request[:2], "little"))
                served = served or kind == last
                answer = bytes.fromhex(answers[kind])
                connection.send(answer[:8] + request[8:16] + answer[16:])
            connection.close()
        """

    private static func hex(_ answer: WardenAnswer) -> String {
        FromWarden.answer(1, answer).encoded().bytes.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0\(text)" : text
        }.joined()
    }

    /// A warden beside the daemon that the words behind it start; it ends when that daemon has.
    /// - Parameter last: the kind of request after which it takes no other client.
    private static func wrapper(_ hello: WardenAnswer, last: String = "13") -> [String] {
        let status = WardenStatus(
            build: "0.0.9", pid: 1, sessions: 2, processes: 0, descriptors: 0, descriptorLimit: 9,
            networks: NetworkPoolState(), remarks: []
        )
        let noDriver = Refusal(.volumeNoDriver, "it keeps no volumes")
        let answers = [
            last, "1=\(hex(hello))", "13=\(hex(.page(next: nil)))", "15=\(hex(.status(status)))",
            "25=\(hex(.volumes([], next: nil)))", "29=\(hex(.refused(noDriver)))",
            "32=\(hex(.hostVolumes([])))",
        ]
        let start = #"""
            run="${0%/s}/run"; script=$1; shift
            mkdir -p "$run"
            python3 -c "$script" "$run/warden.sock" "$1" "$2" "$3" "$4" "$5" "$6" "$7" &
            shift 7
            until [ -S "$run/warden.sock" ]; do sleep 0.02; done
            exec "$@"
            """#
        return ["sh", "-c", start, "STATE", script] + answers
    }

    @Test func `a warden of another build serves on, and everybody is told`() throws {
        let hello = WardenAnswer.welcome(version: WardenFormat.version, build: "0.0.9", instance: 7)
        let daemon = try TestDaemon(
            wrapper: OtherWardenTests.wrapper(hello), command: [Product.path("corral"), "daemon", "run"])
        let errors = daemon.program.errorsSoFar
        // Before it starts, by the command; then by corrald, into its log.
        #expect(
            errors.hasPrefix("corral daemon run: the warden that runs is of build 0.0.9 and this is "),
            "\(errors)")
        #expect(errors.contains("Its 2 sessions go on with it"))
        #expect(errors.contains("corral daemon stop --sessions ends it and them (as daemon-restart)"))
        #expect(
            errors.contains(#""level":"warning","program":"corrald","text":"the warden is of build 0.0.9"#))
        #expect(try daemon.call("GET", "/v1/info").text("warden_version") == "0.0.9")
        let (code, tree) = try daemon.status()
        #expect(code == 0 && tree["warden"]?.text == "0.0.9")
        let problem = tree["problems"]?.list.first?.text ?? ""
        #expect(problem.hasPrefix("the warden is of build 0.0.9 and corrald of "), "\(problem)")
    }

    @Test func `a warden of another protocol stops the start, with what to do`() throws {
        let directory = try TemporaryDirectory()
        let refusal = Refusal(
            .version, "speaks another version", limit: "version", asked: "", allowed: "0.0.9")
        let words =
            OtherWardenTests.wrapper(.refused(refusal), last: "1").map { $0 == "STATE" ? directory("s") : $0 }
            + [Product.path("corrald"), "--state", directory("s"), "--set", "runtime=\(directory("run"))"]
        let program = try Program(
            words + TestDaemon.user,
            environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }
        ).start()
        #expect(try program.waitForText("they do not speak the same protocol", within: 60))
        #expect(program.errorsSoFar.contains("the warden is of version 0.0.9 and this is "))
        #expect(program.errorsSoFar.contains("an upgrade of the warden ends sessions"))
        #expect(try program.wait(timeout: 60).status == 1)
    }

    @Test func `a warden that still serves the corrald before is asked again`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.kill()
        // As that corrald, whose end the warden has not heard of.
        let loop = try EventLoop()
        let nobody = Nobody()
        var link: WardenLink?
        try #require(
            try eventually {
                do throws(WardenLinkError) {
                    link = try WardenLink.connect(
                        to: daemon.directory("run/warden.sock"), build: "before", on: loop, delegate: nobody)
                    return true
                } catch .refused {
                    return false
                }
            })
        try daemon.beginAgain()
        #expect(try daemon.program.waitForText("this warden serves another corrald", within: 60))
        link?.close()
        link = nil
        try daemon.waitUntilServing()
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        loop.removeAll()
    }
}

private final class Nobody: WardenLinkDelegate {
    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet) {}
    func warden(_ link: WardenLink, isLostBecause why: String) {}
}
