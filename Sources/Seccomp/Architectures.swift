/// The names of architectures that policies may use, so that a misspelt one is an error.
enum Architectures {
    /// Of runtime-spec's config-linux.md, "Seccomp".
    static let seccomp = [
        "SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64",
        "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
        "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X",
        "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
    ]

    /// Go's names and Docker's own, which `arches` holds.
    static let docker = [
        "386", "x86", "amd64", "x32", "arm", "arm64", "loong64", "loongarch64", "m68k", "mips", "mips64",
        "mips64n32", "mips64p32", "mipsle", "mipsel", "mips64le", "mipsel64", "mipsel64n32", "mips64p32le",
        "mips3l64n32", "ppc", "ppc64", "ppc64le", "s390", "s390x", "parisc", "parisc64", "riscv64", "sh",
        "sheb",
    ]
}
