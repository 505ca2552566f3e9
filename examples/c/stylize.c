/* Stylizes a photo with an exported SavedModel, through TensorFlow's C API.

   pip install tensorflow
   fastnst export --model gallery --style wave -o exports/wave
   make -C examples/c
   TF_CPP_MIN_LOG_LEVEL=3 examples/c/stylize exports/wave photo.jpg stylized.png

   The signature stylize_encoded takes an image file as bytes and returns a PNG file, so this
   program needs no image library. It paints in the model's first style. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

#define SIGNATURE "stylize_encoded"

typedef struct {
  const char *start, *end;
} Bytes;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "stylize: %s: %s\n", what, why);
  exit(1);
}

static void check(TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static Bytes read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) fail(path, "cannot be read");
  long size = ftell(file);
  char *content = size > 0 ? malloc(size) : NULL;
  rewind(file);
  if (!content || fread(content, 1, size, file) != (size_t)size) fail(path, "cannot be read");
  fclose(file);
  return (Bytes){content, content + size};
}

static void write_file(const char *path, const char *content, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(content, 1, size, file) != size || fclose(file) != 0)
    fail(path, "cannot be written");
}

/* A SavedModel names the tensors of its signatures in a protocol buffer. The next three functions
   read just that: fields with a number, of which those of type 2 have a length and content. */

static uint64_t read_number(Bytes *rest) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && rest->start < rest->end; shift += 7) {
    unsigned char byte = *rest->start++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}

/* Moves past the next field with this number, and returns its content. */
static Bytes next(Bytes *rest, unsigned number) {
  while (rest->start < rest->end) {
    uint64_t tag = read_number(rest), type = tag & 7, size = 0;
    if (type == 0) read_number(rest);
    if (type == 1) size = 8;
    if (type == 2) size = read_number(rest);
    if (type == 5) size = 4;
    if (size > (uint64_t)(rest->end - rest->start)) break;
    Bytes content = {rest->start, rest->start + size};
    rest->start += size;
    if (type == 2 && tag >> 3 == number) return content;
  }
  fail("SavedModel", "has no signature " SIGNATURE);
  return *rest;
}

/* Returns the value of a key in a map, whose entries are fields with this number. */
static Bytes lookup(Bytes message, unsigned number, const char *key) {
  for (;;) {
    Bytes entry = next(&message, number), name = next(&entry, 1);
    size_t length = name.end - name.start;
    if (length == strlen(key) && memcmp(name.start, key, length) == 0) return next(&entry, 2);
  }
}

/* Finds the tensor of an input (1) or output (2) of a signature; its name is "operation:index". */
static TF_Output find_tensor(TF_Graph *graph, Bytes signature, unsigned side, const char *key) {
  Bytes info = lookup(signature, side, key), name = next(&info, 1);
  char operation[256];
  snprintf(operation, sizeof operation, "%.*s", (int)(name.end - name.start), name.start);
  char *colon = strrchr(operation, ':');
  if (colon) *colon = '\0';
  TF_Operation *found = TF_GraphOperationByName(graph, operation);
  if (!found) fail(operation, "is not in the graph");
  return (TF_Output){found, colon ? atoi(colon + 1) : 0};
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: %s SAVED_MODEL PHOTO PICTURE.png\n", arguments[0]);
    return 2;
  }
  Bytes photo = read_file(arguments[2]);

  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_Buffer *description = TF_NewBuffer();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph,
                                                     description, status);
  check(status, arguments[1]);
  const char *start = description->data;
  /* Field 5 of a MetaGraphDef maps names to signatures. */
  Bytes signature = lookup((Bytes){start, start + description->length}, 5, SIGNATURE);
  TF_Output input = find_tensor(graph, signature, 1, "image_bytes");
  TF_Output output = find_tensor(graph, signature, 2, "stylized_bytes");

  /* A batch of one string. */
  int64_t shape[] = {1};
  TF_Tensor *given = TF_AllocateTensor(TF_STRING, shape, 1, sizeof(TF_TString));
  TF_TString *content = TF_TensorData(given);
  TF_StringInit(content);
  TF_StringCopy(content, photo.start, photo.end - photo.start);
  TF_Tensor *returned = NULL;
  TF_SessionRun(session, NULL, &input, &given, 1, &output, &returned, 1, NULL, 0, NULL, status);
  check(status, arguments[2]);
  TF_TString *picture = TF_TensorData(returned);
  write_file(arguments[3], TF_StringGetDataPointer(picture), TF_StringGetSize(picture));

  TF_DeleteTensor(returned);
  TF_StringDealloc(content);
  TF_DeleteTensor(given);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteBuffer(description);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  free((void *)photo.start);
  return 0;
}
