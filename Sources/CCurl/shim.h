// libcurl: requests by http and https. Its options are set by functions with arguments of any type, which Swift cannot call.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/// Reads some of the answer, and throws it away.
static inline size_t mio_curl_forget(char *bytes, size_t size, size_t count, void *left) {
    (void)bytes;
    size_t *room = (size_t *)left;
    if (size * count > *room) return 0;
    *room -= size * count;
    return size * count;
}

/// Sends `body` to `url` in a POST request, and waits for the answer. Certificates are checked, redirections are not followed,
/// and the environment's proxies are used, as by curl.
/// @param headers whole lines, `count` of them.
/// @param milliseconds for all of it.
/// @param status the answer's, 0 if there was none.
/// @param reason why there was none, with room for CURL_ERROR_SIZE bytes.
/// @return CURLE_OK if there was an answer.
static inline CURLcode mio_curl_post(
    const char *url, const char *const *headers, int count, const char *agent, const void *body, long bytes,
    long milliseconds, long *status, char *reason) {
    CURL *request = curl_easy_init();
    *status = 0;
    reason[0] = 0;
    if (!request) return CURLE_FAILED_INIT;
    struct curl_slist *lines = NULL;
    CURLcode code = CURLE_OK;
    for (int i = 0; i < count && code == CURLE_OK; i++) {
        struct curl_slist *longer = curl_slist_append(lines, headers[i]);
        if (longer) lines = longer;
        else code = CURLE_OUT_OF_MEMORY;
    }
    // More than a server has to say about a request that it has taken.
    size_t room = 1 << 20;
#define MIO_SET(option, value) \
    if (code == CURLE_OK) code = curl_easy_setopt(request, option, value)
    MIO_SET(CURLOPT_ERRORBUFFER, reason);
    // No other thread gets a signal because a name is looked up.
    MIO_SET(CURLOPT_NOSIGNAL, 1L);
    MIO_SET(CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
    MIO_SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    MIO_SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    MIO_SET(CURLOPT_FOLLOWLOCATION, 0L);
    MIO_SET(CURLOPT_SSL_VERIFYPEER, 1L);
    MIO_SET(CURLOPT_SSL_VERIFYHOST, 2L);
    MIO_SET(CURLOPT_HTTPHEADER, lines);
    MIO_SET(CURLOPT_USERAGENT, agent);
    MIO_SET(CURLOPT_POST, 1L);
    MIO_SET(CURLOPT_POSTFIELDSIZE, bytes);
    MIO_SET(CURLOPT_POSTFIELDS, body);
    MIO_SET(CURLOPT_TIMEOUT_MS, milliseconds);
    MIO_SET(CURLOPT_WRITEFUNCTION, mio_curl_forget);
    MIO_SET(CURLOPT_WRITEDATA, &room);
#undef MIO_SET
    if (code == CURLE_OK) {
        code = curl_easy_perform(request);
        curl_easy_getinfo(request, CURLINFO_RESPONSE_CODE, status);
        // An answer that is too long is one.
        if (code == CURLE_WRITE_ERROR && *status > 0) code = CURLE_OK;
    }
    curl_slist_free_all(lines);
    curl_easy_cleanup(request);
    return code;
}

/// To be called once, before any other thread calls libcurl.
static inline CURLcode mio_curl_begin(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
