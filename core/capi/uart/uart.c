/*
 * Serves memcached's text protocol on the UART of a Cortex-M4: DynamiDB in C without an operating
 * system, without a heap, and with the SysTick timer as its clock. `./play` builds it and plays
 * conversations with it in the emulator.
 */
#include "dynamidb.h"

#include <string.h>

/* The UART of Arm's board MPS2 (CMSDK), and the system timer of every Cortex-M. */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_CONTROL REGISTER(0x40004008)
#define UART_DIVIDER REGISTER(0x40004010)
#define UART_SEND_FULL 1u
#define UART_RECEIVE_FULL 2u
#define SYSTICK_CONTROL REGISTER(0xE000E010)
#define SYSTICK_RELOAD REGISTER(0xE000E014)
#define SYSTICK_CURRENT REGISTER(0xE000E018)

#define CYCLES_PER_MILLISECOND 25000u
#define ITEM_SIZE_MAX 1000

static uint64_t memory[16 * 1024 / 8];
/* A line and a value; and an item with its line. */
static char in[ITEM_SIZE_MAX + 2048 + 3];
static char out[2048];

/* Written by the timer's interrupt alone. Reading 32 bits takes one instruction, so that it needs
 * no lock; dynamidb_ticks32 makes of it a time that never wraps. */
static volatile uint32_t ticks;

void SysTick_Handler(void) { ticks++; }

static void start(void) {
    SYSTICK_RELOAD = CYCLES_PER_MILLISECOND - 1;
    SYSTICK_CURRENT = 0;
    SYSTICK_CONTROL = 7; /* the processor's clock, with an interrupt */
    UART_DIVIDER = 16;
    UART_CONTROL = 3; /* send and receive */
}

static size_t receive(char *bytes, size_t size) {
    size_t len = 0;
    while (len < size && (UART_STATE & UART_RECEIVE_FULL) != 0)
        bytes[len++] = (char)UART_DATA;
    return len;
}

static void send(const char *bytes, size_t len) {
    for (size_t at = 0; at < len; at++) {
        while ((UART_STATE & UART_SEND_FULL) != 0) {
        }
        UART_DATA = (unsigned char)bytes[at];
    }
}

/* Ends the emulation; a real device would go on with the next client. */
__attribute__((noreturn)) static void leave(int failed) {
    register uint32_t operation __asm__("r0") = 0x18;
    register uint32_t reason __asm__("r1") = failed ? 0x20023 : 0x20026;
    __asm__ volatile("bkpt 0xAB" : "+r"(operation) : "r"(reason) : "memory");
    for (;;) {
    }
}

int main(void) {
    dynamidb_cache *cache;
    dynamidb_session session;
    dynamidb_status status = DYNAMIDB_OK;
    size_t in_len = 0, used, out_len;
    uint64_t now = 0;
    start();
    if (dynamidb_init(memory, sizeof memory, NULL, &cache) != DYNAMIDB_OK
        || dynamidb_session_init(&session, ITEM_SIZE_MAX) != DYNAMIDB_OK)
        leave(1);
    while (status == DYNAMIDB_OK) {
        in_len += receive(in + in_len, sizeof in - in_len);
        now = dynamidb_ticks32(now, ticks);
        do {
            status = dynamidb_session_process(cache, &session, now, in, in_len, &used, out,
                                              sizeof out, &out_len);
            if (status < DYNAMIDB_OK)
                leave(1);
            send(out, out_len);
            in_len -= used;
            memmove(in, in + used, in_len);
        } while (status == DYNAMIDB_OK && (used > 0 || out_len > 0));
        dynamidb_maintain(cache, now, 2, NULL);
    }
    leave(0);
}

/* What happens at a reset: the linker script says what is where. */
extern uint32_t stack_top, data_load, data_begin, data_end, bss_begin, bss_end;

void Reset_Handler(void) {
    memcpy(&data_begin, &data_load, (size_t)((char *)&data_end - (char *)&data_begin));
    memset(&bss_begin, 0, (size_t)((char *)&bss_end - (char *)&bss_begin));
    main();
}

static void Fault_Handler(void) { leave(1); }

typedef void handler(void);
__attribute__((section(".vectors"), used)) static const struct {
    void *stack;
    handler *handlers[15];
} vectors = {
    &stack_top,
    {Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
     NULL, NULL, NULL, NULL, Fault_Handler, Fault_Handler, NULL, Fault_Handler, SysTick_Handler},
};
