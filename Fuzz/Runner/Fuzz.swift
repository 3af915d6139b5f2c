// What libFuzzer, whose main this program has, calls: FUZZ_TARGET names the target. Without one, the targets
// are listed, each with the longest input that is of use.

import FuzzTargets
import Glibc

private let target: FuzzTarget? = {
    guard let name = unsafe getenv("FUZZ_TARGET").map({ unsafe String(cString: $0) }) else { return nil }
    return ([FuzzTarget.planted] + FuzzTarget.all).first { $0.name == name }
}()

/// Called once, before anything else.
@_cdecl("LLVMFuzzerInitialize")
public func begin(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
    if target != nil { return 0 }
    for target in FuzzTarget.all { print(target.name, target.longest) }
    exit(unsafe getenv("FUZZ_TARGET") == nil ? 0 : 2)
}

/// Called with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func judge(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    do throws(FuzzFailure) {
        try target?.run(input)
    } catch {
        print("fuzz: \(target?.name ?? ""): \(error)")
        fflush(nil)
        abort()
    }
    return 0
}
