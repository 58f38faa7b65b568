! SPDX-License-Identifier: LGPL-3.0-or-later
!
! A pointer to an array gets a new one, and nobody deallocates the old one.
!
!     gfortran -g -o leak leak.f90
!     log-malloc -o leak.trace ./leak
!     log-malloc-findleak leak.trace
!
! With the tracker linked in, as a static program:
!
!     gfortran -g -static -o leak leak.f90 $(pkg-config --static --libs log-malloc2-wrap)
!     LOG_MALLOC_OUTPUT=leak.trace ./leak
module table
  implicit none
  real, pointer :: values(:)
contains
  subroutine resize(count)
    integer, intent(in) :: count

    allocate(values(count)) ! leaks
    values = 0.0
  end subroutine resize
end module table

program leak
  use table
  implicit none
  integer :: i

  do i = 1, 3
    call resize(100 * i)
  end do
  print '(a)', '3 tables'
end program leak
