/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The function syscall() of other libcs, but for errno. See lacks.h. */
#ifdef __dietlibc__

#if defined __x86_64__
__asm__(".text\n"
        ".globl lm_lacks_syscall\n"
        ".hidden lm_lacks_syscall\n"
        ".type lm_lacks_syscall, @function\n"
        "lm_lacks_syscall:\n"
        "	.cfi_startproc\n"
        "	movq %rdi, %rax\n"
        "	movq %rsi, %rdi\n"
        "	movq %rdx, %rsi\n"
        "	movq %rcx, %rdx\n"
        "	movq %r8, %r10\n"
        "	movq %r9, %r8\n"
        "	movq 8(%rsp), %r9\n"
        "	syscall\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size lm_lacks_syscall, . - lm_lacks_syscall\n");
#elif defined __aarch64__
__asm__(".text\n"
        ".globl lm_lacks_syscall\n"
        ".hidden lm_lacks_syscall\n"
        ".type lm_lacks_syscall, %function\n"
        "lm_lacks_syscall:\n"
        "	.cfi_startproc\n"
        "	mov x8, x0\n"
        "	mov x0, x1\n"
        "	mov x1, x2\n"
        "	mov x2, x3\n"
        "	mov x3, x4\n"
        "	mov x4, x5\n"
        "	mov x5, x6\n"
        "	svc 0\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size lm_lacks_syscall, . - lm_lacks_syscall\n");
#else
#error "a system call has to be written for this machine and dietlibc"
#endif

#else

typedef int lm_lacks_nothing;

#endif
