/* Labels for parcels. */

#include <stdio.h>
#include <string.h>

void copy_label(char *target, const char *name)
{
    strcpy(target, name);
}

size_t label_length(const char *label, size_t limit)
{
    return strnlen(label, limit);
}
