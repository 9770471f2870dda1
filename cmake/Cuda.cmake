# CUDA as PyPI's wheels bring it: headers and libraries, no compiler, no GPU. A toolkit is not asked for, since nothing
# here is compiled for a device: libtorch_cuda.so and libnccl.so.2 hold every kernel.

set(nvidia_dir "${REPRISE_DEPS_DIR}/nvidia")
set(cudart "${nvidia_dir}/cu13/lib/libcudart.so.13")
set(nccl "${nvidia_dir}/nccl/lib/libnccl.so.2")
set(torch_cuda "${torch_dir}/lib/libtorch_cuda.so")
foreach(file IN ITEMS ${cudart} ${nccl} ${torch_cuda} ${nvidia_dir}/cu13/include/crt/host_defines.h)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: run scripts/setup --cuda first")
  endif()
endforeach()

add_library(reprise::cuda INTERFACE IMPORTED)
target_include_directories(reprise::cuda SYSTEM INTERFACE "${nvidia_dir}/cu13/include")
target_link_libraries(reprise::cuda INTERFACE "${cudart}")
target_compile_definitions(reprise::cuda INTERFACE REPRISE_CUDA)

add_library(reprise::nccl INTERFACE IMPORTED)
target_include_directories(reprise::nccl SYSTEM INTERFACE "${nvidia_dir}/nccl/include")
target_link_libraries(reprise::nccl INTERFACE "${nccl}" reprise::cuda)

# Nothing calls into libtorch_cuda.so by name: its kernels register themselves when it is loaded.
target_link_libraries(reprise::torch INTERFACE
    -Wl,--push-state,--no-as-needed "${torch_cuda}" "${torch_dir}/lib/libc10_cuda.so" -Wl,--pop-state reprise::cuda)
